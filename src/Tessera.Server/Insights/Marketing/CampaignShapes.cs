using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Marketing;

/// <summary>Campaigns side by side (CMP-03, CMP-04).</summary>
/// <param name="Currency">Which the amounts are in.</param>
/// <param name="Currencies">All in which something was redeemed in the period.</param>
/// <param name="From">First day, UTC; null for the whole of each campaign.</param>
/// <param name="To">Last day.</param>
/// <param name="Rows">One a campaign, most revenue first.</param>
internal sealed record CampaignComparison(
    string Currency,
    IReadOnlyList<string> Currencies,
    string? From,
    string? To,
    IReadOnlyList<CampaignFigures> Rows
);

/// <summary>What a campaign did (A.12), in major units of the currency.</summary>
/// <param name="CampaignId">Which.</param>
/// <param name="Name">For people.</param>
/// <param name="Status">scheduled, active or ended.</param>
/// <param name="Coupons">How many belong to it.</param>
/// <param name="TotalRedemptions">Accepted, given back or not.</param>
/// <param name="RolledBack">Of these, given back.</param>
/// <param name="Refusals">Refused attempts.</param>
/// <param name="RevenueGenerated">Net paid on orders that used its coupons and stand.</param>
/// <param name="DiscountsGiven">By redemptions that stand.</param>
/// <param name="MarketingCost">Entered for days of the period.</param>
/// <param name="CostPerUse">Discounts and marketing cost a standing use; null without uses.</param>
/// <param name="ConversionRate">Uses that count, of these and the refusals, 0 to 1.</param>
/// <param name="Roi">(revenue - marketing cost) / marketing cost; null while no cost is entered.</param>
internal sealed record CampaignFigures(
    string CampaignId,
    string Name,
    string Status,
    long Coupons,
    long TotalRedemptions,
    long RolledBack,
    long Refusals,
    [property: Guarded(Permissions.FinanceRead)] decimal RevenueGenerated,
    [property: Guarded(Permissions.FinanceRead)] decimal DiscountsGiven,
    [property: Guarded(Permissions.FinanceRead)] decimal MarketingCost,
    [property: Guarded(Permissions.FinanceRead)] decimal? CostPerUse,
    decimal ConversionRate,
    [property: Guarded(Permissions.FinanceRead)] decimal? Roi
);

/// <summary>What is left of the budgets of a campaign, day by day (CMP-09).</summary>
/// <param name="CampaignId">Which.</param>
/// <param name="Budgets">In money, in uses, both or none.</param>
internal sealed record BurnDown(string CampaignId, IReadOnlyList<BudgetCourse> Budgets);

/// <summary>The course of one budget; amounts of money in major units.</summary>
/// <param name="Unit">A currency, or use.</param>
/// <param name="Bound">The most there is.</param>
/// <param name="Spent">Posted on its account.</param>
/// <param name="Held">Held by checkouts that are under way.</param>
/// <param name="Remaining">What is left of it.</param>
/// <param name="ExhaustedOn">When it will be spent if it goes on as in the last seven days; null if it lasts.</param>
/// <param name="Points">From its first day to today, or to its last day.</param>
internal sealed record BudgetCourse(
    string Unit,
    decimal Bound,
    decimal Spent,
    decimal Held,
    decimal Remaining,
    string? ExhaustedOn,
    IReadOnlyList<BudgetPoint> Points
);

/// <summary>One day of a budget.</summary>
/// <param name="Day">UTC.</param>
/// <param name="Spent">At its end.</param>
/// <param name="Held">The most that was held at once.</param>
/// <param name="Remaining">At its end.</param>
/// <param name="Planned">What would remain if it were spent evenly; null for a campaign without an end.</param>
internal sealed record BudgetPoint(string Day, decimal Spent, decimal Held, decimal Remaining, decimal? Planned);

/// <summary>Who gets redemptions and their revenue, by first and by last touch (CMP-04).</summary>
/// <param name="By">What they are divided by.</param>
/// <param name="Currency">Which the amounts are in.</param>
/// <param name="From">First day, UTC.</param>
/// <param name="To">Last day.</param>
/// <param name="Rows">Most revenue by last touch first. Both columns have the same sums.</param>
internal sealed record AttributionTable(
    string By,
    string Currency,
    string From,
    string To,
    IReadOnlyList<AttributionRow> Rows
);

/// <summary>One that gets a share.</summary>
/// <param name="Key">Id or word; empty where there is none.</param>
/// <param name="Name">For people; empty for words.</param>
/// <param name="Last">Redemptions of its own coupons.</param>
/// <param name="First">Redemptions of customers whose first coupon was one of its own.</param>
internal sealed record AttributionRow(string Key, string Name, Credit Last, Credit First);

/// <summary>A share, in major units.</summary>
internal sealed record Credit(
    long Redemptions,
    [property: Guarded(Permissions.FinanceRead)] decimal Revenue,
    [property: Guarded(Permissions.FinanceRead)] decimal Discounts
);

/// <summary>Who gets one redemption and its order's revenue (CMP-04).</summary>
/// <param name="RedemptionId">Which.</param>
/// <param name="OrderReference">Its order.</param>
/// <param name="Last">The coupon it used.</param>
/// <param name="First">The first coupon its customer ever used.</param>
internal sealed record RedemptionAttribution(Guid RedemptionId, string OrderReference, Touch Last, Touch First);

/// <summary>A coupon that touched a customer, and where it came from; null where nothing is known.</summary>
internal sealed record Touch(
    long CouponId,
    string Code,
    string? CampaignId,
    string? CampaignName,
    string? MarketingChannel,
    string? UtmSource,
    DateTimeOffset At
);
