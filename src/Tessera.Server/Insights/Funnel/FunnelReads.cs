using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights.Funnel;

/// <summary>Reads the steps from the days.</summary>
internal static class FunnelReads
{
    /// <summary>Sums of a period, of one coupon or of all the caller may see.</summary>
    public static async Task<FunnelSums> SumsAsync(
        Database database,
        DaySource days,
        Period period,
        long? coupon,
        CancellationToken cancel
    )
    {
        var (seen, used, refused) = coupon is null
            ? (days.Seen, days.Used, days.Refused)
            : (days.SeenByCoupon, days.UsedByCoupon, days.RefusedByCoupon);
        var only = coupon is null ? "and $4::bigint is null" : "and d.coupon_id = $4";
        await using var command = days.Command(
            database,
            $"""
            with used as (
                select coalesce(sum(d.redemptions), 0)::bigint as redemptions,
                    coalesce(sum(d.reservations + d.redemptions - d.from_reservation), 0)::bigint as granted,
                    coalesce(sum(d.returned), 0)::bigint as returned,
                    coalesce(sum(d.booked), 0)::bigint as booked, coalesce(sum(d.completed), 0)::bigint as completed,
                    coalesce(sum(d.attended), 0)::bigint as attended
                from {used} {only}
            ), refused as (
                select coalesce(sum(d.refusals), 0)::bigint as refusals from {refused} {only}
            ), seen as (
                select coalesce(sum(d.views), 0)::bigint as views from {seen} {only}
            )
            select views, granted + refusals, redemptions, returned, refusals, booked, completed, attended from used, refused, seen
            """,
            period
        );
        command.Parameters.Add(new() { Value = coupon ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return new FunnelSums(
            row.GetInt64(0),
            row.GetInt64(1),
            row.GetInt64(2),
            row.GetInt64(3),
            row.GetInt64(4),
            row.GetInt64(5),
            row.GetInt64(6),
            row.GetInt64(7)
        );
    }
}
