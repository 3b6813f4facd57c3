using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Insights;

/// <summary>
/// Counts redemptions, rollbacks, reservations, bookings and refusals by day (MET-24), and adds up views. Each pass adds what
/// is new in the sealed log, in one transaction with its place in it, so that every event counts once.
/// </summary>
public sealed class Rollup(Database database, TimeProvider clock, ILogger<Rollup> log)
    : Worker(clock, log, TimeSpan.FromSeconds(2))
{
    /// <summary>Events, and refusals, of one pass.</summary>
    private const int Step = 5_000;

    /// <summary>What a day counts.</summary>
    private static readonly string[] Figures =
    [
        "redemptions",
        "rolled_back",
        "revenue_minor",
        "discount_minor",
        "reservations",
        "from_reservation",
        "booked",
        "completed",
        "attended",
        "returned",
    ];

    private static readonly string Names = string.Join(", ", Figures);
    private static readonly string Sums = string.Join(", ", Figures.Select(static f => $"sum({f})"));
    private static readonly string NamedSums = string.Join(", ", Figures.Select(static f => $"sum({f}) as {f}"));
    private static readonly string Added = string.Join(", ", Figures.Select(static f => $"{f} = d.{f} + excluded.{f}"));

    private static readonly string CountEvents = $"""
        with next as materialized (
            select a.seq, e.type, e.aggregateid, e.payload
            from audit.entry a
            {EventLog.OfEntry}
            where a.seq > (select seq from insights.progress)
            order by a.seq limit $1
        ), uses as (
            select (payload ->> 'redemption_id')::uuid as id, 1 as sign from next
            where type = 'coupon.state_changed' and payload ->> 'to' = 'redeemed' and payload ? 'redemption_id'
            union all
            select aggregateid::uuid, -1 from next where type = 'redemption.rolled_back'
        ), step as (
            -- What a redemption began as is counted with it, what was said of its booking since with that; once it is
            -- given back, nothing more is said. What came back of its order in parts was taken off with each part.
            select r.coupon_id, r.decided_at, r.currency, r.channel, (u.sign = 1)::int as redemptions,
                (u.sign = -1)::int as rolled_back,
                u.sign * (r.order_minor - r.discount_minor) + p.paid_minor as revenue_minor,
                u.sign * r.discount_minor + p.discount_minor as discount_minor, 0 as reservations,
                (u.sign = 1 and r.reservation_id is not null)::int as from_reservation,
                case when u.sign = -1 then -(r.booking_status is not null)::int
                    when b.redemption_id is null then (r.booking_status is not null)::int
                    else (b.began_as is not null)::int end as booked,
                case when u.sign = -1 then -coalesce(b.status = 'completed', false)::int else 0 end as completed,
                case when u.sign = -1 then -coalesce(b.attended, false)::int else 0 end as attended,
                (u.sign = -1 and coalesce(k.use_returned, false))::int as returned
            from uses u join redemptions.redemption r on r.id = u.id
            left join redemptions.booking b on b.redemption_id = r.id
            left join redemptions.rollback k on k.redemption_id = r.id
            cross join lateral (
                select coalesce(sum(b.paid_minor), 0) as paid_minor, coalesce(sum(b.discount_minor), 0) as discount_minor
                from redemptions.part_return b where u.sign = -1 and b.redemption_id = r.id) p
            union all
            select r.coupon_id, r.decided_at, r.currency, r.channel, 0, 0, -b.paid_minor, -b.discount_minor, 0, 0, 0, 0, 0, 0
            from next n join redemptions.part_return b on b.return_id = (n.payload ->> 'return_id')::uuid
            join redemptions.redemption r on r.id = b.redemption_id
            where n.type = 'order.returned'
            union all
            select v.coupon_id, v.decided_at, v.currency, v.channel, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0
            from next n join redemptions.reservation v on v.id = (n.payload ->> 'reservation_id')::uuid
            where n.type = 'coupon.state_changed' and n.payload ->> 'to' = 'reserved'
            union all
            select r.coupon_id, r.decided_at, r.currency, r.channel, 0, 0, 0, 0, 0, 0,
                (n.payload ->> 'booked')::int, (n.payload ->> 'completed')::int, (n.payload ->> 'attended')::int, 0
            from next n join redemptions.redemption r on r.id = n.aggregateid::uuid
            where n.type = 'redemption.booking_changed'
        ), counted as materialized (
            select coupon_id, (decided_at at time zone 'UTC')::date as day, currency, coalesce(channel, '') as channel, {NamedSums}
            from step group by 1, 2, 3, 4
        ), added as (
            insert into insights.coupon_day as d (coupon_id, day, currency, channel, {Names})
            select * from counted
            on conflict (coupon_id, day, currency, channel) do update set {Added}
        ), together as (
            insert into insights.day_total as d (day, currency, channel, {Names})
            select day, currency, channel, {Sums} from counted group by 1, 2, 3
            on conflict (day, currency, channel) do update set {Added}
        ), moved as (
            update insights.progress set seq = (select max(seq) from next) where exists (select from next)
        )
        select count(*) from next
        """;

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
        await Funnel.ViewNotes.AddUpAsync(work, cancel);
        await work.CommitAsync(cancel);
        return events == Step || refusals == Step;
    }

    /// <summary>Forgets all days; the next passes count them again from the beginning of the log.</summary>
    public async Task RebuildAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync(
            "update insights.progress set seq = 0, refusal_at = '-infinity', refusal_id = $1",
            [Guid.Empty],
            cancel
        );
        await work.ExecuteAsync("delete from insights.coupon_day", [], cancel);
        await work.ExecuteAsync("delete from insights.refusal_day", [], cancel);
        await work.ExecuteAsync("delete from insights.day_total", [], cancel);
        await work.ExecuteAsync("delete from insights.refusal_total", [], cancel);
        await work.CommitAsync(cancel);
    }

    private static async Task<long> CountEventsAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var command = work.Command(CountEvents, Step);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task<long> CountRefusalsAsync(UnitOfWork work, CancellationToken cancel)
    {
        // In the order in which they were decided: a number is given when it is asked, and decisions pass one another. Ten
        // seconds are long enough for all nodes to have committed theirs.
        const string sql = """
            with next as materialized (
                select f.* from insights.progress p cross join lateral (
                    select id, coupon_id, decided_at, reason from redemptions.refusal
                    where (decided_at, id) > (p.refusal_at, p.refusal_id) and decided_at < platform.clock() - interval '10 seconds'
                    order by decided_at, id limit $1) f
            ), added as (
                insert into insights.refusal_day as d (coupon_id, day, reason, refusals)
                select coalesce(coupon_id, 0), (decided_at at time zone 'UTC')::date, reason, count(*) from next
                group by 1, 2, 3
                on conflict (coupon_id, day, reason) do update set refusals = d.refusals + excluded.refusals
            ), together as (
                insert into insights.refusal_total as d (day, refusals)
                select (decided_at at time zone 'UTC')::date, count(*) from next group by 1
                on conflict (day) do update set refusals = d.refusals + excluded.refusals
            ), moved as (
                update insights.progress p set refusal_at = l.decided_at, refusal_id = l.id
                from (select decided_at, id from next order by decided_at desc, id desc limit 1) l
            )
            select count(*) from next
            """;
        await using var command = work.Command(sql, Step);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }
}
