using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Insights.Alerts;

/// <summary>
/// Finds coupons that are used, or refused, far more often today than on an ordinary day (OPS-01), and tells of each once: an
/// alert a coupon and kind, cleared when the day is over. Any number of nodes may do so.
/// </summary>
public sealed class UnusualWatch(Database database, TimeProvider clock, ILogger<UnusualWatch> log)
    : Worker(clock, log, TimeSpan.FromSeconds(15))
{
    /// <summary>Fewer of a day are never unusual.</summary>
    internal const int Least = 50;

    /// <summary>How many times an ordinary day is unusual.</summary>
    internal const int Times = 5;

    private const string Actor = "job:unusual_watch";

    /// <summary>
    /// An ordinary day is the mean of the four weeks before today. Of a coupon that is new nobody knows one: many uses are
    /// what it was made for, many refusals are not.
    /// </summary>
    private static readonly string Find = $"""
        with k as materialized (
            select platform.clock() as now, (platform.clock() at time zone 'UTC')::date as today
        ), much as materialized (
            select d.coupon_id, 'use_surge' as kind, sum(d.redemptions)::bigint as measured
            from insights.coupon_day d, k where d.day = k.today group by 1 having sum(d.redemptions) >= {Least}
            union all
            select d.coupon_id, 'refusal_surge', sum(d.refusals)::bigint
            from insights.refusal_day d, k where d.day = k.today and d.coupon_id > 0 group by 1 having sum(d.refusals) >= {Least}
        ), unusual as (
            select m.coupon_id, c.merchant_id, m.kind, m.measured, o.usual, k.now
            from k, much m join coupons.coupon c on c.id = m.coupon_id and c.deleted_at is null
            cross join lateral (
                select round(coalesce(case when m.kind = 'use_surge' then (
                        select sum(d.redemptions) from insights.coupon_day d, k
                        where d.coupon_id = m.coupon_id and d.day >= k.today - 28 and d.day < k.today)
                    else (
                        select sum(d.refusals) from insights.refusal_day d, k
                        where d.coupon_id = m.coupon_id and d.day >= k.today - 28 and d.day < k.today) end, 0) / 28.0, 2) as usual) o
            where m.measured >= {Times} * o.usual and (m.kind = 'refusal_surge' or c.created_at < k.now - interval '7 days')
        )
        insert into insights.alert as a (id, coupon_id, merchant_id, kind, measured, usual, raised_at, seen_at)
        select gen_random_uuid(), coupon_id, merchant_id, kind, measured, usual, now, now from unusual order by kind, coupon_id
        on conflict (kind, coupon_id) where cleared_at is null do update
            set measured = excluded.measured, seen_at = excluded.seen_at
        returning id, coupon_id, kind, measured, usual, xmax = 0
        """;

    /// <summary>Passes of all nodes look again every quarter of a minute; a new day begins with nothing.</summary>
    private const string Clear = """
        update insights.alert set cleared_at = platform.clock()
        where cleared_at is null and seen_at < platform.clock() - interval '2 minutes' returning id, coupon_id, kind, measured, usual
        """;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var entries = new List<EventEntry>();
        await using (var find = work.Command(Find))
        await using (var row = await find.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                if (row.GetBoolean(5))
                {
                    entries.Add(EntryOf(row, "coupon_alert.raised", 1));
                }
            }
        }

        await using (var clear = work.Command(Clear))
        await using (var row = await clear.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                entries.Add(EntryOf(row, "coupon_alert.cleared", 3));
            }
        }

        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), entries, cancel);
        await work.CommitAsync(cancel);
        return false;
    }

    private static EventEntry EntryOf(Npgsql.NpgsqlDataReader row, string type, long sequence) =>
        new(
            "coupon_alert",
            row.GetGuid(0).ToString(),
            type,
            sequence,
            Actor,
            EventLog.Payload(
                ("coupon_id", row.GetInt64(1)),
                ("kind", row.GetString(2)),
                ("measured", row.GetInt64(3)),
                ("usual", row.GetDecimal(4))
            ),
            null
        );
}
