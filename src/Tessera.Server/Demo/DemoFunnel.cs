using Tessera.Server.Platform;
using Tessera.Server.Redemptions;

namespace Tessera.Server.Demo;

/// <summary>
/// What comes before and after the uses of the demo world (MET-02): people look at coupons more often than they use them, and
/// yoga classes are booked, some cancelled, some missed.
/// </summary>
internal sealed class DemoFunnel(Chance chance)
{
    /// <summary>The coupon whose uses are bookings.</summary>
    public const string BookedCode = "BREATHE15";

    private const int StepsUntilClass = 20;

    private readonly Queue<(Guid Redemption, long Step)> _booked = [];

    /// <summary>The views and bookings of the year behind the uses that are written.</summary>
    public static async Task WriteYearAsync(UnitOfWork work, IReadOnlyList<long> coupons, CancellationToken cancel)
    {
        await work.ExecuteAsync(
            """
            with seen as (
                insert into insights.view_day (coupon_id, day, channel, views)
                select coupon_id, (decided_at at time zone 'UTC')::date, channel, 6 * count(*) + coupon_id % 5 + 2
                from redemptions.redemption where coupon_id = any($1) group by 1, 2, 3
                returning day, channel, views
            )
            insert into insights.view_total (day, channel, views) select day, channel, sum(views) from seen group by 1, 2
            """,
            [coupons.ToArray()],
            cancel
        );
        await work.ExecuteAsync(
            """
            with class as materialized (
                select r.id, r.coupon_id, r.decided_at + interval '2 days' as at, row_number() over (order by r.decided_at, r.id) as n
                from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
                where c.code = $1 and r.rolled_back_at is null and r.decided_at < platform.clock() - interval '2 days'
            ), known as (
                insert into redemptions.booking (redemption_id, status, attended, occurred_at)
                select id, case when n % 9 = 4 then 'cancelled' else 'completed' end, case when n % 9 <> 4 then n % 7 <> 2 end, at
                from class
                returning redemption_id, status, coalesce(attended, false) as attended
            ), stamped as (
                update redemptions.redemption r set booking_status = nullif(k.status, 'cancelled')
                from known k where r.id = k.redemption_id
            )
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)
            select gen_random_uuid(), 'redemption', c.id::text, 'redemption.booking_changed', 1, 'job:demo',
                jsonb_build_object('coupon_id', c.coupon_id, 'from', null, 'to', k.status, 'occurred_at', c.at,
                    'booked', (k.status <> 'cancelled')::int, 'completed', (k.status = 'completed')::int,
                    'attended', k.attended::int), 'demo', c.at
            from class c join known k on k.redemption_id = c.id order by c.at
            """,
            [BookedCode],
            cancel
        );
    }

    /// <summary>Somebody looks at a coupon, some others with him.</summary>
    public Task SeeAsync(UnitOfWork work, string code, string channel, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            insert into insights.view_note (coupon_id, day, channel, views)
            select id, (platform.clock() at time zone 'UTC')::date, $2, $3 from coupons.coupon
            where code = $1 and deleted_at is null
            """,
            [code, channel, 3L + chance.Next(8)],
            cancel
        );

    /// <summary>A use of a class is a booking, which is held in a while.</summary>
    public async Task BookAsync(UnitOfWork work, Guid redemption, long step, CancellationToken cancel)
    {
        await TellAsync(work, redemption, "pending", null, cancel);
        _booked.Enqueue((redemption, step + StepsUntilClass));
    }

    /// <summary>Tells of the classes that are over.</summary>
    public async Task GoOnAsync(UnitOfWork work, long step, CancellationToken cancel)
    {
        while (_booked.TryPeek(out var first) && first.Step <= step)
        {
            _booked.Dequeue();
            var isCancelled = chance.Next(9) == 0;
            bool? attended = isCancelled ? null : chance.Next(7) > 0;
            await TellAsync(work, first.Redemption, isCancelled ? "cancelled" : "completed", attended, cancel);
        }
    }

    private static async Task TellAsync(
        UnitOfWork work,
        Guid redemption,
        string status,
        bool? attended,
        CancellationToken cancel
    )
    {
        if (await BookingEndpoints.HoldAsync(work, redemption, null, cancel) is { RolledBackAt: null } held)
        {
            var told = new BookingEndpoints.Booking(redemption, status, attended, await work.ClockAsync(cancel));
            await BookingEndpoints.WriteAsync(work, held, told, "job:demo", "demo", cancel);
        }
    }
}
