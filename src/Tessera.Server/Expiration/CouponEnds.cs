using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Server.Connectors;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// Tells once that a coupon itself has ended (EXP-01): there are few of them beside their units, so each has an event of its
/// own. Partners are told of those with a shared code; of the others they are told unit by unit. A coupon that is given a
/// later end is told of again.
/// </summary>
public sealed class CouponEnds(
    Database database,
    Horizon horizon,
    NodeClock nodeClock,
    TimeProvider clock,
    ILogger<CouponEnds> log
) : Worker(clock, log, TimeSpan.FromSeconds(2))
{
    private const int CouponsPerPass = 5000;

    private static readonly TimeSpan Behind = TimeSpan.FromDays(3);
    private static readonly TimeSpan LookBackEvery = TimeSpan.FromHours(1);

    private readonly TimeProvider _clock = clock;
    private DateTimeOffset _lookedBackAt = DateTimeOffset.MinValue;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if ((await nodeClock.CheckAsync(cancel)).IsStopped)
        {
            return false;
        }

        var settled = await horizon.AdvanceAsync(cancel);
        if (settled == DateTimeOffset.MinValue)
        {
            return false;
        }

        // Coupons that were made or changed into the past are found by the look that goes all the way back.
        var isWhole = _clock.GetUtcNow() - _lookedBackAt >= LookBackEvery;
        var from = isWhole ? DateTimeOffset.MinValue : settled - Behind;
        await using var work = await database.BeginAsync(cancel);
        await using (var mode = work.Command("select mode <> 'paused' from expiration.control"))
        {
            if (!(bool)(await mode.ExecuteScalarAsync(cancel))!)
            {
                return false;
            }
        }

        var ended = await EndAsync(work, from, settled, cancel);
        var reopened = await ReopenAsync(work, cancel);
        await CommandStream.AppendAsync(
            work,
            [.. Batches(CommandKind.Disable, ended), .. Batches(CommandKind.Enable, reopened)],
            cancel
        );
        await work.CommitAsync(CancellationToken.None);
        if (isWhole && ended.Count < CouponsPerPass)
        {
            _lookedBackAt = _clock.GetUtcNow();
        }

        return ended.Count == CouponsPerPass;
    }

    private static IEnumerable<CommandBatch> Batches(CommandKind kind, List<Ended> coupons) =>
        coupons
            .Where(static c => c.IsShared)
            .GroupBy(static c => (c.MerchantId, c.ValidUntil))
            .Select(g => new CommandBatch(
                kind,
                g.Key.MerchantId,
                null,
                CommandBatch.Coupon,
                [.. g.Select(static c => c.Id)],
                g.Key.ValidUntil
            ));

    private static async Task<List<Ended>> EndAsync(
        UnitOfWork work,
        DateTimeOffset from,
        DateTimeOffset settled,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            with due as materialized (
                select c.id, c.valid_until, c.version, c.merchant_id, c.campaign_id, c.code_kind = 'shared' as is_shared
                from coupons.coupon c
                where c.valid_until > $1 and c.valid_until <= $2 and c.deleted_at is null and not exists (
                    select from expiration.coupon_end e where e.coupon_id = c.id and e.valid_until = c.valid_until)
                order by c.valid_until limit {CouponsPerPass}
            ), told as (
                insert into expiration.coupon_end (coupon_id, valid_until, told_at)
                select id, valid_until, platform.clock() from due on conflict do nothing returning coupon_id, told_at
            ), event as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', d.id::text, 'coupon.expired', d.version, '{Sweeper.Actor}', jsonb_build_object(
                    'coupon_id', d.id, 'cause', 'end_reached', 'merchant_id', d.merchant_id, 'campaign_id', d.campaign_id,
                    'valid_until', to_char(d.valid_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), t.told_at
                from due d join told t on t.coupon_id = d.id
            )
            select d.id, d.valid_until, d.merchant_id, d.is_shared from due d join told t on t.coupon_id = d.id
            """,
            from,
            settled
        );
        return await ReadAsync(command, cancel);
    }

    private static async Task<List<Ended>> ReopenAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            update expiration.coupon_end e set reopened_at = platform.clock()
            from coupons.coupon c
            where e.reopened_at is null and c.id = e.coupon_id and c.valid_until > platform.clock() and c.deleted_at is null
            returning c.id, c.valid_until, c.merchant_id, c.code_kind = 'shared'
            """
        );
        return await ReadAsync(command, cancel);
    }

    private static async Task<List<Ended>> ReadAsync(NpgsqlCommand command, CancellationToken cancel)
    {
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var coupons = new List<Ended>();
        while (await rows.ReadAsync(cancel))
        {
            coupons.Add(
                new Ended(
                    rows.GetInt64(0),
                    rows.GetFieldValue<DateTimeOffset>(1),
                    rows.Value<Guid>(2),
                    rows.GetBoolean(3)
                )
            );
        }

        return coupons;
    }

    private readonly record struct Ended(long Id, DateTimeOffset ValidUntil, Guid? MerchantId, bool IsShared);
}
