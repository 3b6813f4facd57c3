using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights;

/// <summary>Figures of all coupons (A.7).</summary>
/// <param name="Overview">The five figures.</param>
/// <param name="TopPerformers">Coupons with most redemptions in the period.</param>
/// <param name="RecentActivity">Latest redemptions.</param>
/// <param name="Currency">Which the amounts are in.</param>
/// <param name="Currencies">All in which something was redeemed in the period.</param>
/// <param name="From">First day of the period, UTC.</param>
/// <param name="To">Its last day.</param>
public sealed record CouponSummary(
    SummaryOverview Overview,
    IReadOnlyList<TopPerformer> TopPerformers,
    IReadOnlyList<RecentUse> RecentActivity,
    string Currency,
    IReadOnlyList<string> Currencies,
    string From,
    string To
);

/// <summary>The figures at the top (A.7).</summary>
/// <param name="TotalActiveCoupons">Accepting redemptions now.</param>
/// <param name="TotalRedemptionsToday">Accepted today, UTC.</param>
/// <param name="TotalRevenueGenerated">Net paid in the period, in major units.</param>
/// <param name="AverageConversionRate">Uses that count, of these and the refusals in the period, 0 to 1.</param>
/// <param name="TrendingDirection">up, down or stable against the period before.</param>
/// <param name="TotalRedemptions">Accepted in the period.</param>
/// <param name="TotalRefusals">Refused in the period.</param>
/// <param name="TotalDiscountsGiven">In the period, in major units.</param>
public sealed record SummaryOverview(
    long TotalActiveCoupons,
    long TotalRedemptionsToday,
    [property: Guarded(Permissions.FinanceRead)] decimal TotalRevenueGenerated,
    decimal AverageConversionRate,
    string TrendingDirection,
    long TotalRedemptions,
    long TotalRefusals,
    [property: Guarded(Permissions.FinanceRead)] decimal TotalDiscountsGiven
);

/// <summary>A coupon among the best (A.7).</summary>
public sealed record TopPerformer(
    long CouponId,
    string Code,
    long Redemptions,
    [property: Guarded(Permissions.FinanceRead)] decimal RevenueGenerated,
    decimal ConversionRate
);

/// <summary>A latest redemption (A.7).</summary>
/// <param name="RedemptionId">Its receipt.</param>
/// <param name="Timestamp">When.</param>
/// <param name="CouponCode">The coupon's code.</param>
/// <param name="CustomerId">Pseudonymous.</param>
/// <param name="UserEmail">Always null: redemptions hold no personal data.</param>
/// <param name="AmountDiscounted">In major units.</param>
/// <param name="Currency">Of the amount.</param>
/// <param name="BookingStatus">pending or completed; null where nothing was booked.</param>
public sealed record RecentUse(
    Guid RedemptionId,
    DateTimeOffset Timestamp,
    string CouponCode,
    Guid CustomerId,
    string? UserEmail,
    [property: SingleAmount] decimal AmountDiscounted,
    string Currency,
    string? BookingStatus
);

/// <summary>Figures of one coupon (A.8).</summary>
public sealed record CouponAnalytics(
    CouponFacts CouponInfo,
    UsageStatistics UsageStatistics,
    [property: Guarded(Permissions.FinanceRead)] FinancialImpact FinancialImpact,
    ConversionAnalysis ConversionAnalysis,
    FraudIndicators FraudIndicators
);

/// <summary>Which coupon (A.8). Status folds to three words .</summary>
public sealed record CouponFacts(
    string Code,
    string InternalName,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    string CurrentStatus
);

/// <summary>How it was used (A.8). The rate is 0 to 1.</summary>
public sealed record UsageStatistics(
    long TotalAttempts,
    long SuccessfulRedemptions,
    long FailedAttempts,
    decimal SuccessRate,
    long UniqueUsers,
    long RepeatUsers
);

/// <summary>What it cost and brought (A.8), in major units of the currency.</summary>
/// <param name="RoiEstimate">
/// (revenue - its share of its campaign's marketing cost, by redemptions) / that share; null while no cost is entered.
/// </param>
public sealed record FinancialImpact(
    string Currency,
    decimal TotalDiscountsGiven,
    decimal RevenueGenerated,
    decimal AverageDiscountPerUse,
    decimal? RoiEstimate
);

/// <summary>What became of its uses (A.8).</summary>
/// <param name="BookingsCompleted">Redemptions that stand, with a booking that took place (RED-15).</param>
/// <param name="SessionsAttended">Of these, where the customer came.</param>
/// <param name="AttendanceRate">Sessions attended, of the bookings completed; null while there are none.</param>
/// <param name="CustomerRetentionRate">Share of its customers who redeemed anything again later.</param>
public sealed record ConversionAnalysis(
    long BookingsCompleted,
    long SessionsAttended,
    decimal? AttendanceRate,
    decimal? CustomerRetentionRate
);

/// <summary>What looks suspicious (A.8); null where nothing scores.</summary>
/// <param name="BlockedAttempts">Refused attempts of any reason.</param>
public sealed record FraudIndicators(
    long? SuspiciousUsageCount,
    IReadOnlyList<string> FlaggedUsers,
    decimal? AverageRiskScore,
    long BlockedAttempts,
    IReadOnlyList<RefusalCount> RefusalReasons
);

/// <summary>How often it was refused for a reason.</summary>
public sealed record RefusalCount(string Reason, long Count);

/// <summary>Figures along time (MET-02, MET-04).</summary>
/// <param name="Interval">day, week or month.</param>
/// <param name="Currency">Which the amounts are in.</param>
/// <param name="Series">One for all coupons, or one for each that was asked for.</param>
public sealed record Timeline(string Interval, string Currency, IReadOnlyList<TimelineSeries> Series);

/// <summary>One line of a chart.</summary>
/// <param name="CouponId">Null for all coupons, and for a campaign.</param>
/// <param name="CampaignId">Null for all coupons, and for one.</param>
/// <param name="Code">The coupon's code or the campaign's name.</param>
/// <param name="Points">Every period, also empty ones.</param>
public sealed record TimelineSeries(
    long? CouponId,
    string? CampaignId,
    string? Code,
    IReadOnlyList<TimelinePoint> Points
);

/// <summary>One period of a line; amounts in major units.</summary>
public sealed record TimelinePoint(
    string Period,
    long Redemptions,
    long RolledBack,
    long Refusals,
    [property: Guarded(Permissions.FinanceRead)] decimal Revenue,
    [property: Guarded(Permissions.FinanceRead)] decimal Discounts
);

/// <summary>Shares of a period (MET-02).</summary>
public sealed record Breakdown(string By, string Currency, IReadOnlyList<BreakdownRow> Rows);

/// <summary>One share; the key is empty where it is unknown.</summary>
public sealed record BreakdownRow(
    string Key,
    long Redemptions,
    [property: Guarded(Permissions.FinanceRead)] decimal Revenue,
    [property: Guarded(Permissions.FinanceRead)] decimal Discounts
);
