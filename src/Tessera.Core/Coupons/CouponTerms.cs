using Tessera.Core.Promotions;

namespace Tessera.Core.Coupons;

/// <summary>How a coupon discounts (RUL-02).</summary>
public enum DiscountType
{
    /// <summary>1 to 100 percent of the order.</summary>
    Percentage,

    /// <summary>An amount, never more than the order.</summary>
    FixedAmount,

    /// <summary>One eligible session at no charge.</summary>
    FreeSession,
}

/// <summary>What a coupon promises, as a decision needs it. Amounts in minor units of <see cref="Currency"/>.</summary>
public sealed record CouponTerms
{
    /// <summary>The coupon.</summary>
    public required long Id { get; init; }

    /// <summary>The version of the definition; kept with each redemption (RUL-12).</summary>
    public required long Version { get; init; }

    /// <summary>Its own code can be redeemed; otherwise only the unique codes below it can.</summary>
    public required bool HasSharedCode { get; init; }

    /// <summary>Only the audience of its campaign may use it (CPN-03).</summary>
    public bool IsPrivate { get; init; }

    /// <summary>Switched on (CPN-08).</summary>
    public required bool IsActive { get; init; }

    /// <summary>Softly deleted (CPN-08).</summary>
    public bool IsDeleted { get; init; }

    /// <summary>How it discounts.</summary>
    public required DiscountType DiscountType { get; init; }

    /// <summary>1 to 100, for percentages.</summary>
    public decimal Percent { get; init; }

    /// <summary>For fixed amounts.</summary>
    public long AmountMinor { get; init; }

    /// <summary>ISO 4217.</summary>
    public required string Currency { get; init; }

    /// <summary>The most it gives.</summary>
    public long? MaxDiscountMinor { get; init; }

    /// <summary>The least an order must come to (RUL-03).</summary>
    public long MinimumOrderMinor { get; init; }

    /// <summary>The most an order may come to (RUL-03).</summary>
    public long? MaximumOrderMinor { get; init; }

    /// <summary>Null for no limit (RUL-08).</summary>
    public long? MaxUsesTotal { get; init; }

    /// <summary>1 to 10 (RUL-08).</summary>
    public required int MaxUsesPerUser { get; init; }

    /// <summary>First instant of validity.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>First instant after validity; <see cref="DateTimeOffset.MaxValue"/> for no end.</summary>
    public required DateTimeOffset ValidUntil { get; init; }

    /// <summary><c>all</c>, a service, <c>specific_consultants</c> or <c>first_time_users</c> (RUL-07).</summary>
    public string ApplicableTo { get; init; } = "all";

    /// <summary>Only for customers without an earlier order (RUL-07).</summary>
    public bool IsForFirstOrders => ApplicableTo == "first_time_users";

    /// <summary>Consultants it is limited to.</summary>
    public IReadOnlyList<int>? Consultants { get; init; }

    /// <summary>Session types it is limited to.</summary>
    public IReadOnlyList<string>? SessionTypes { get; init; }

    /// <summary>Services a free session may be.</summary>
    public IReadOnlyList<string>? EligibleServices { get; init; }

    /// <summary>Channels it is limited to (RUL-11).</summary>
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>Whether it is good for listed products only.</summary>
    public bool HasProducts { get; init; }

    /// <summary>The merchant that offers it; null for the deployment's own.</summary>
    public Guid? MerchantId { get; init; }

    /// <summary>
    /// Beside which others it is used on a cart (RUL-05); where a promotion prices it, that promotion's own counts. Carts ask
    /// for it: who decides on a single code leaves it out.
    /// </summary>
    public Stacking Stacking { get; init; } = Stacking.Free;

    /// <summary>Its campaign.</summary>
    public CampaignTerms? Campaign { get; init; }
}

/// <summary>What a campaign bounds (CMP-07, CMP-09).</summary>
/// <param name="Id">Of the campaign.</param>
/// <param name="StartAt">First instant.</param>
/// <param name="EndAt">First instant after it.</param>
/// <param name="BudgetMinor">Money it may give away; null for no limit.</param>
/// <param name="BudgetCurrency">Of the budget.</param>
/// <param name="BudgetUses">Redemptions it may have; null for no limit.</param>
/// <param name="ClipsBudget">Whether a discount is cut to what is left of the money; else it is refused.</param>
public sealed record CampaignTerms(
    string Id,
    DateTimeOffset StartAt,
    DateTimeOffset EndAt,
    long? BudgetMinor,
    string? BudgetCurrency,
    long? BudgetUses,
    bool ClipsBudget = false
);
