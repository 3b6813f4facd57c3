using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

/// <summary>The days as they follow from the source records alone, as the definitions in the room's README say (MET-24).</summary>
internal static class SourceRecords
{
    private const string Figures = """
        redemptions, rolled_back, revenue_minor, discount_minor, reservations, from_reservation, booked, completed, attended, returned
        """;

    private const string Sql = $"""
        with used as (
            select r.coupon_id, r.decided_at, r.currency, r.channel, 1 as redemptions,
                (r.rolled_back_at is not null)::int as rolled_back,
                case when r.rolled_back_at is null then r.order_minor - r.discount_minor - coalesce((
                    select sum(o.paid_minor) from redemptions.promotion_use u
                    join redemptions.order_return o on o.order_id = u.order_id where u.id = r.id), 0) else 0 end as revenue_minor,
                case when r.rolled_back_at is null then r.discount_minor - coalesce((
                    select returned_minor from redemptions.promotion_use u where u.id = r.id), 0) else 0 end as discount_minor,
                0 as reservations,
                (r.reservation_id is not null)::int as from_reservation,
                (r.rolled_back_at is null and r.booking_status is not null)::int as booked,
                (r.rolled_back_at is null and b.status is not distinct from 'completed')::int as completed,
                (r.rolled_back_at is null and coalesce(b.attended, false))::int as attended,
                coalesce(k.use_returned, false)::int as returned
            from redemptions.redemption r left join redemptions.booking b on b.redemption_id = r.id
            left join redemptions.rollback k on k.redemption_id = r.id
            union all
            select coupon_id, decided_at, currency, channel, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0 from redemptions.reservation
        ), source as (
            select coupon_id, (decided_at at time zone 'UTC')::date as day, currency, coalesce(channel, '') as channel,
                sum(redemptions), sum(rolled_back), sum(revenue_minor), sum(discount_minor), sum(reservations),
                sum(from_reservation), sum(booked), sum(completed), sum(attended), sum(returned)
            from used group by 1, 2, 3, 4
        ), total as (
            select (decided_at at time zone 'UTC')::date as day, currency, coalesce(channel, '') as channel,
                sum(redemptions), sum(rolled_back), sum(revenue_minor), sum(discount_minor), sum(reservations),
                sum(from_reservation), sum(booked), sum(completed), sum(attended), sum(returned)
            from used group by 1, 2, 3
        ), refused as (
            select coalesce(coupon_id, 0) as coupon_id, (decided_at at time zone 'UTC')::date as day, reason, count(*) as refusals
            from redemptions.refusal group by 1, 2, 3
        ), kept as (
            select coupon_id, day, currency, channel, {Figures} from insights.coupon_day
        ), together as (
            select day, currency, channel, {Figures} from insights.day_total
        ), refusals as (
            select day, sum(refusals) from refused group by 1
        ), list as (
            select coupon_id, sum(revenue_minor), sum(discount_minor) from coupons.usage group by 1
            having sum(revenue_minor) <> 0 or sum(discount_minor) <> 0
        ), days as (
            select coupon_id, sum(revenue_minor), sum(discount_minor) from insights.coupon_day group by 1
            having sum(revenue_minor) <> 0 or sum(discount_minor) <> 0
        ), seen as (
            select day, channel, sum(views) from insights.view_day group by 1, 2
        )
        select string_agg(what, ' ') from (
            select 'coupon_day' as what where exists ((table source except table kept) union all (table kept except table source))
            union all select 'day_total'
                where exists ((table total except table together) union all (table together except table total))
            union all select 'refusal_day' where exists (
                (table refused except select * from insights.refusal_day) union all (select * from insights.refusal_day except table refused))
            union all select 'refusal_total' where exists (
                (table refusals except select * from insights.refusal_total)
                union all (select * from insights.refusal_total except table refusals))
            union all select 'usage' where exists ((table list except table days) union all (table days except table list))
            union all select 'view_total' where exists (
                (table seen except select * from insights.view_total) union all (select * from insights.view_total except table seen))
        ) wrong
        """;

    /// <summary>Every day of the rollups is what its source records add up to, and so is what the list of coupons shows.</summary>
    public static async Task AssertEqualAsync(TestDatabase database) =>
        Assert.Equal("", await database.ScalarAsync<string>($"select coalesce(({Sql}), '')"));
}
