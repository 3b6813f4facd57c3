namespace Tessera.Server.Insights.Funnel;

/// <summary>From the view of a coupon to the booking that took place (MET-02), over a period.</summary>
/// <param name="Steps">In order; each at most counts what the step before it lets through, where channels report all views.</param>
/// <param name="ConversionRate">Uses that count, of these and the refusals, 0 to 1: the same as everywhere.</param>
/// <param name="BookingRate">Bookings that took place, of the redemptions that stand with a booking, 0 to 1.</param>
/// <param name="AttendanceRate">Customers who came, of the bookings that took place, 0 to 1.</param>
/// <param name="From">First day, UTC.</param>
/// <param name="To">Last day.</param>
public sealed record CouponFunnel(
    IReadOnlyList<FunnelStep> Steps,
    decimal ConversionRate,
    decimal BookingRate,
    decimal AttendanceRate,
    string From,
    string To
)
{
    internal static CouponFunnel Of(FunnelSums sums, string from, string to) =>
        new(
            [
                new("viewed", sums.Viewed),
                new("tried", sums.Tried),
                new("redeemed", sums.Redeemed),
                new("booked", sums.Booked),
                new("completed", sums.Completed),
            ],
            InsightReads.Conversion(sums.Redeemed, sums.Returned, sums.Refused),
            InsightReads.Share(sums.Completed, sums.Booked),
            InsightReads.Share(sums.Attended, sums.Completed),
            from,
            to
        );
}

/// <summary>One step.</summary>
/// <param name="Step">viewed, tried, redeemed, booked or completed.</param>
/// <param name="Count">How often.</param>
public sealed record FunnelStep(string Step, long Count);

/// <summary>What the steps are made of.</summary>
/// <param name="Viewed">Views that channels reported.</param>
/// <param name="Tried">Coupons held or used for an order, or refused: holds, redemptions without one, refusals.</param>
/// <param name="Redeemed">Redemptions, given back or not.</param>
/// <param name="Returned">Of these, given back, and the use with them.</param>
/// <param name="Refused">Refusals.</param>
/// <param name="Booked">Redemptions that stand, with a booking that was not cancelled.</param>
/// <param name="Completed">Of these, with a booking that took place.</param>
/// <param name="Attended">Of these, where the customer came.</param>
internal sealed record FunnelSums(
    long Viewed,
    long Tried,
    long Redeemed,
    long Returned,
    long Refused,
    long Booked,
    long Completed,
    long Attended
);
