using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights.Funnel;

/// <summary>
/// Views of coupons (MET-02): noted as they are reported, so that channels that report the same coupon never wait for one
/// another, and added up by day and channel a moment later. No row is kept for a view, and none is in the log.
/// </summary>
internal static class ViewNotes
{
    /// <summary>Notes views, for the day it is in UTC.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="views">Coupon, channel, and how often.</param>
    /// <param name="cancel">Cancels.</param>
    public static Task AddAsync(
        UnitOfWork work,
        IReadOnlyCollection<FunnelEndpoints.ViewsOfCoupon> views,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            insert into insights.view_note (coupon_id, day, channel, views)
            select v.coupon_id, (platform.clock() at time zone 'UTC')::date, v.channel, sum(v.views)
            from unnest($1::bigint[], $2::text[], $3::bigint[]) as v (coupon_id, channel, views) group by 1, 2, 3
            """,
            [
                views.Select(static v => v.CouponId).ToArray(),
                views.Select(static v => v.Channel ?? "").ToArray(),
                views.Select(static v => (long)v.Count).ToArray(),
            ],
            cancel
        );

    /// <summary>Those of these coupons that are none, or not of the merchant.</summary>
    public static async Task<IReadOnlySet<long>> UnknownAsync(
        UnitOfWork work,
        IReadOnlyCollection<long> coupons,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select id from unnest($1::bigint[]) as wanted (id)
            except select c.id from coupons.coupon c
            where c.id = any($1) and c.deleted_at is null and ($2::uuid is null or c.merchant_id = $2)
            """,
            coupons.ToArray(),
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        var unknown = new HashSet<long>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            unknown.Add(row.GetInt64(0));
        }

        return unknown;
    }

    /// <summary>Adds what was noted to its days.</summary>
    public static Task AddUpAsync(UnitOfWork work, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            with gone as (
                delete from insights.view_note returning coupon_id, day, channel, views
            ), added as (
                insert into insights.view_day as d (coupon_id, day, channel, views)
                select coupon_id, day, channel, sum(views) from gone group by 1, 2, 3
                on conflict (coupon_id, day, channel) do update set views = d.views + excluded.views
            )
            insert into insights.view_total as d (day, channel, views)
            select day, channel, sum(views) from gone group by 1, 2
            on conflict (day, channel) do update set views = d.views + excluded.views
            """,
            [],
            cancel
        );
}
