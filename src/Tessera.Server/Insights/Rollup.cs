using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Insights;

/// <summary>
/// Counts redemptions, rollbacks and refusals by day (MET-24). Each pass adds what is new in the sealed log, in one
/// transaction with its place in it, so that every event counts once.
/// </summary>
public sealed class Rollup(Database database, TimeProvider clock, ILogger<Rollup> log)
    : Worker(clock, log, TimeSpan.FromSeconds(2))
{
    /// <summary>Events, and refusals, of one pass.</summary>
    private const int Step = 5_000;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using (var hold = work.Command("select true from insights.progress for update skip locked"))
        {
            if (await hold.ExecuteScalarAsync(cancel) is null)
            {
                // Another node is counting.
                return false;
            }
        }

        var events = await CountEventsAsync(work, cancel);
        var refusals = await CountRefusalsAsync(work, cancel);
        await work.CommitAsync(cancel);
        return events == Step || refusals == Step;
    }

    /// <summary>Forgets all days; the next passes count them again from the beginning of the log.</summary>
    public async Task RebuildAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("update insights.progress set seq = 0, refusal_id = $1", [Guid.Empty], cancel);
        await work.ExecuteAsync("delete from insights.coupon_day", [], cancel);
        await work.ExecuteAsync("delete from insights.refusal_day", [], cancel);
        await work.CommitAsync(cancel);
    }

    private static async Task<long> CountEventsAsync(UnitOfWork work, CancellationToken cancel)
    {
        const string sql = """
            with next as materialized (
                select a.seq, e.type, e.aggregateid, e.payload
                from audit.entry a
                join platform.event e on e.created_at = a.created_at and e.tx = a.tx and e.position = a.position
                where a.seq > (select seq from insights.progress)
                order by a.seq limit $1
            ), uses as (
                select (payload ->> 'redemption_id')::uuid as id, 1 as sign from next
                where type = 'coupon.state_changed' and payload ->> 'to' = 'redeemed' and payload ? 'redemption_id'
                union all
                select aggregateid::uuid, -1 from next where type = 'redemption.rolled_back'
            ), added as (
                insert into insights.coupon_day as d (coupon_id, day, currency, channel, redemptions, rolled_back,
                    revenue_minor, discount_minor)
                select r.coupon_id, (r.decided_at at time zone 'UTC')::date, r.currency, coalesce(r.channel, ''),
                    count(*) filter (where u.sign = 1), count(*) filter (where u.sign = -1),
                    sum(u.sign * (r.order_minor - r.discount_minor)), sum(u.sign * r.discount_minor)
                from uses u join redemptions.redemption r on r.id = u.id
                group by 1, 2, 3, 4
                on conflict (coupon_id, day, currency, channel) do update set
                    redemptions = d.redemptions + excluded.redemptions,
                    rolled_back = d.rolled_back + excluded.rolled_back,
                    revenue_minor = d.revenue_minor + excluded.revenue_minor,
                    discount_minor = d.discount_minor + excluded.discount_minor
            ), moved as (
                update insights.progress set seq = (select max(seq) from next) where exists (select from next)
            )
            select count(*) from next
            """;
        await using var command = work.Command(sql, Step);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task<long> CountRefusalsAsync(UnitOfWork work, CancellationToken cancel)
    {
        // Ids are made in order of time by each node; ten seconds are long enough for all nodes to have committed theirs.
        const string sql = """
            with next as materialized (
                select id, coupon_id, decided_at, reason from redemptions.refusal
                where id > (select refusal_id from insights.progress) and decided_at < platform.clock() - interval '10 seconds'
                order by id limit $1
            ), added as (
                insert into insights.refusal_day as d (coupon_id, day, reason, refusals)
                select coalesce(coupon_id, 0), (decided_at at time zone 'UTC')::date, reason, count(*) from next
                group by 1, 2, 3
                on conflict (coupon_id, day, reason) do update set refusals = d.refusals + excluded.refusals
            ), moved as (
                update insights.progress set refusal_id = (select id from next order by id desc limit 1)
                where exists (select from next)
            )
            select count(*) from next
            """;
        await using var command = work.Command(sql, Step);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }
}
