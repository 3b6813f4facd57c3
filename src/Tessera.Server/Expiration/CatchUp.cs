using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// The nightly path (EXP-01): enqueues every hour since the beginning that nobody has enqueued, and compares each unit of
/// the hours that ended lately with what the log says of it. It needs neither the schedule nor the log's followers.
/// </summary>
public sealed partial class CatchUp(Database database, LookAhead lookAhead, NodeClock nodeClock, ILogger<CatchUp> log)
    : IScheduledPass
{
    /// <summary>Hours are compared for so long after their end: longer than a rollback may come after it.</summary>
    private static readonly TimeSpan Compared = TimeSpan.FromHours(50);

    private const int UnitsPerBatch = 5000;

    /// <summary>Merchants that go first by their value; each is a job of its own in every hour.</summary>
    private const int RankedMerchants = 20;

    string IScheduledPass.Name => "catch-up";

    /// <summary>From two at night; asked again, so that a night that was paused or failed is made up for.</summary>
    string IScheduledPass.Cron => "0 0/10 2-23 * * ?";

    /// <summary>Catches up if nobody has this night.</summary>
    public async Task RunOnceAsync(CancellationToken cancel)
    {
        if ((await nodeClock.CheckAsync(cancel)).IsStopped || await DueAsync(cancel) is not { } isFirst)
        {
            return;
        }

        await RunAsync(cancel, isFirst);
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("update expiration.control set caught_up_at = platform.clock()", [], cancel);
        await work.CommitAsync(CancellationToken.None);
    }

    /// <summary>Catches up now.</summary>
    /// <param name="cancel">Cancels.</param>
    /// <param name="isFirst">In the first night of a deployment all hours before it are new, and nobody missed them.</param>
    /// <returns>Hours enqueued and late units told.</returns>
    internal async Task<(int Hours, long Units)> RunAsync(CancellationToken cancel, bool isFirst = false)
    {
        var began = await NowAsync(cancel);
        var hours = await lookAhead.PlanAsync(TimeSpan.FromDays(365 * 30), "catch_up", cancel);
        var now = await NowAsync(cancel);
        var told = await CompareAsync(now - Compared, now, cancel);
        if (!isFirst)
        {
            await ReportAsync(began, told, cancel);
        }

        await RankAsync(cancel);
        LogDone(log, hours, told);
        return (hours, told);
    }

    /// <summary>Looks at a span of time again (EXP-15): enqueues its hours, tells of what was missed, retries what failed.</summary>
    internal async Task<(int Hours, long Units, int Retried)> ReplayAsync(
        DateTimeOffset from,
        DateTimeOffset until,
        CancellationToken cancel
    )
    {
        var now = await NowAsync(cancel);
        var end = until < now ? until : now;
        if (end <= from)
        {
            return (0, 0, 0);
        }

        var hours = await lookAhead.PlanAsync(from, end, "hand", cancel);
        var told = await CompareAsync(from, end, cancel);
        await using var work = await database.BeginAsync(cancel);
        var retried = await work.ExecuteAsync(
            """
            update expiration.job set state = 'waiting', failures = 0, try_after = '-infinity', leased_until = null, fence = fence + 1
            where (state = 'failed' or failures > 0) and bucket < $2 and bucket + interval '1 hour' > $1
            """,
            [from, end],
            cancel
        );
        await work.CommitAsync(CancellationToken.None);
        return (hours, told, retried);
    }

    /// <summary>
    /// Raises an alert when the other paths missed what they should have seen: an hour that was over before it was enqueued
    /// here, or a late unit nobody told of. Clears it when a night finds nothing.
    /// </summary>
    private async Task ReportAsync(DateTimeOffset began, long told, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using var query = work.Command(
            """
            select count(*), coalesce(sum(planned), 0)::bigint from expiration.bucket
            where detected_by = 'catch_up' and detected_at >= $1 and ends_at <= $1
            """,
            began
        );
        long hours;
        long units;
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            (hours, units) = (row.GetInt64(0), row.GetInt64(1));
        }

        if (hours > 0 || told > 0)
        {
            LogMissed(log, hours, units, told);
            await Alerts.RaiseAsync(
                work,
                "missed",
                Alerts.Pipeline,
                EventLog.Payload(("hours", hours), ("units", units), ("late_units", told)),
                cancel
            );
        }
        else
        {
            await Alerts.ClearAsync(work, "missed", Alerts.Pipeline, cancel);
        }

        await work.CommitAsync(CancellationToken.None);
    }

    /// <summary>Lets merchants whose coupons are used most go first, unless somebody has set their priority by hand (EXP-05).</summary>
    private async Task RankAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync(
            $"""
            with ranked as (
                select c.merchant_id, row_number() over (order by sum(r.order_minor) desc, c.merchant_id) as place
                from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
                where r.decided_at > platform.clock() - interval '30 days' and r.rolled_back_at is null and c.merchant_id is not null
                group by c.merchant_id
            ), gone as (
                delete from expiration.merchant_priority p where p.source = 'value'
                    and not exists (select from ranked r where r.merchant_id = p.merchant_id and r.place <= {RankedMerchants})
            )
            insert into expiration.merchant_priority as p (merchant_id, priority, source, set_by, set_at)
            select merchant_id, 100 + {RankedMerchants} - place, 'value', 'job:expiry', platform.clock() from ranked
            where place <= {RankedMerchants}
            on conflict (merchant_id) do update set priority = excluded.priority, set_at = excluded.set_at
            where p.source = 'value'
            """,
            [],
            cancel
        );
        await work.CommitAsync(CancellationToken.None);
    }

    /// <summary>Once a night.</summary>
    /// <returns>Whether it is the deployment's first; null when it is not the time, or was done.</returns>
    private async Task<bool?> DueAsync(CancellationToken cancel)
    {
        await using var query = database.Source.CreateCommand(
            """
            select caught_up_at = '-infinity' from expiration.control, date_trunc('day', platform.clock(), 'UTC') as day
            where mode = 'running' and caught_up_at < day + interval '2 hours' and platform.clock() >= day + interval '2 hours'
            """
        );
        return (bool?)await query.ExecuteScalarAsync(cancel);
    }

    private async Task<DateTimeOffset> NowAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        return await work.ClockAsync(cancel);
    }

    /// <summary>Compares the enqueued hours of a span.</summary>
    private async Task<long> CompareAsync(DateTimeOffset from, DateTimeOffset until, CancellationToken cancel)
    {
        var buckets = new List<DateTimeOffset>();
        await using (
            var query = database.Source.CreateCommand(
                "select starts_at from expiration.bucket where starts_at < $2 and ends_at > $1 order by 1"
            )
        )
        {
            query.Parameters.Add(new NpgsqlParameter { Value = from });
            query.Parameters.Add(new NpgsqlParameter { Value = until });
            await using var rows = await query.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                buckets.Add(rows.GetFieldValue<DateTimeOffset>(0));
            }
        }

        var told = 0L;
        foreach (var bucket in buckets)
        {
            told += await CompareAsync(bucket, cancel);
        }

        return told;
    }

    /// <summary>Tells of the live units of an hour that have ended and that the log does not name.</summary>
    private async Task<long> CompareAsync(DateTimeOffset bucket, CancellationToken cancel)
    {
        var missing = new List<UnitKey>();
        await using (
            var query = database.Source.CreateCommand(
                $"""
                with told as (
                    select unit, b.version from expiration.batch b
                    cross join lateral unnest(b.runs) run
                    cross join lateral generate_series(lower(run), upper(run) - 1) unit
                    where b.ends_until >= $1 and b.ends_from < $2 and b.cause = 'end_reached'
                )
                select i.valid_until, i.id from coupons.instance i left join told t on t.unit = i.id and t.version = i.version
                where i.valid_until >= $1 and i.valid_until < $2 and i.valid_until <= platform.clock() and i.{BatchSql.Live}
                    and t.unit is null
                """
            )
        )
        {
            query.CommandTimeout = 600;
            query.Parameters.Add(new NpgsqlParameter { Value = bucket });
            query.Parameters.Add(new NpgsqlParameter { Value = bucket + Buckets.Length });
            await using var rows = await query.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                missing.Add(new UnitKey(rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1)));
            }
        }

        var told = 0L;
        foreach (var batch in missing.Chunk(UnitsPerBatch))
        {
            await using var work = await database.BeginAsync(cancel);
            told += await LateUnits.TellAsync(work, batch, cancel);
            await work.CommitAsync(CancellationToken.None);
        }

        return told;
    }

    [LoggerMessage(4020, LogLevel.Information, "Catching up enqueued {Hours} hours and told of {Units} late units")]
    private static partial void LogDone(ILogger log, int hours, long units);

    [LoggerMessage(
        4303,
        LogLevel.Error,
        "The other paths missed {Hours} hours with {Units} units, and {Late} units that were live again after their end"
    )]
    private static partial void LogMissed(ILogger log, long hours, long units, long late);
}
