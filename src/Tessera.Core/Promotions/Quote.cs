namespace Tessera.Core.Promotions;

/// <summary>A promotion that gave something.</summary>
/// <param name="Promotion">Which.</param>
/// <param name="AmountMinor">How much, in minor units, above zero.</param>
public sealed record AppliedPromotion(Promotion Promotion, long AmountMinor)
{
    /// <summary>Whether that is all a budget had left, of more.</summary>
    public bool IsCut { get; init; }
}

/// <summary>An automatic promotion or a typed code that gave nothing (RUL-13).</summary>
/// <param name="Promotion">Null for a code nobody knows.</param>
/// <param name="Code">As typed; null for automatic promotions.</param>
/// <param name="Reason">Stable reason, see <see cref="Reasons"/>.</param>
/// <param name="Change">The smallest change that would make it pass, where there is one.</param>
public sealed record RejectedPromotion(Promotion? Promotion, string? Code, string Reason, Remedy? Change = null)
{
    /// <summary>The layer of eligibility that failed first (RUL-06); null where no layer was asked.</summary>
    public string? Layer { get; init; }
}

/// <summary>The smallest change that would make a refusal pass.</summary>
/// <param name="Kind">What to change: <c>spend_more</c>, <c>add_units</c>, <c>wait_until</c>, <c>remove_code</c>.</param>
/// <param name="Amount">Minor units or units, by the kind.</param>
/// <param name="At">The instant to wait for.</param>
/// <param name="Subject">The promotion in the way.</param>
public sealed record Remedy(string Kind, long Amount = 0, DateTimeOffset? At = null, string? Subject = null);

/// <summary>What one promotion took off one line or delivery: the explanation, step by step.</summary>
/// <param name="Promotion">Which promotion.</param>
/// <param name="Target">What kind of discount it was.</param>
/// <param name="Id">The line or delivery.</param>
/// <param name="BeforeMinor">What it cost before the step.</param>
/// <param name="DiscountMinor">What the step took off.</param>
public sealed record PricingStep(
    string Promotion,
    EffectTarget Target,
    string Id,
    long BeforeMinor,
    long DiscountMinor
);

/// <summary>A priced cart (RUL-01). All amounts in minor units of the cart's currency.</summary>
public sealed record Quote
{
    /// <summary>Line discounts, by position in the cart.</summary>
    public required IReadOnlyList<long> LineDiscounts { get; init; }

    /// <summary>Shares of the order discounts, by position in the cart.</summary>
    public required IReadOnlyList<long> OrderShares { get; init; }

    /// <summary>Discounts by delivery, by position in the cart.</summary>
    public required IReadOnlyList<long> ShippingDiscounts { get; init; }

    /// <summary>Goods before discounts.</summary>
    public required long SubtotalMinor { get; init; }

    /// <summary>Goods and deliveries after discounts, in the price basis of the cart.</summary>
    public required long TotalMinor { get; init; }

    /// <summary>Tax on the reduced prices, rounded half up per line and per delivery.</summary>
    public required long TaxMinor { get; init; }

    /// <summary>The total with tax.</summary>
    public required long TotalWithTaxMinor { get; init; }

    /// <summary>What gave something, in order.</summary>
    public required IReadOnlyList<AppliedPromotion> Applied { get; init; }

    /// <summary>What gave nothing, and why.</summary>
    public required IReadOnlyList<RejectedPromotion> Rejected { get; init; }

    /// <summary>Every amount taken off, in order.</summary>
    public required IReadOnlyList<PricingStep> Steps { get; init; }

    /// <summary>The verdict on every single condition, by promotion id; only where the price is to be explained.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<ConditionVerdict>> Conditions { get; init; } =
        new Dictionary<string, IReadOnlyList<ConditionVerdict>>(StringComparer.Ordinal);

    /// <summary>Codes whose promotion is exhausted or not eligible, with what is used in its stead.</summary>
    public IReadOnlyList<StandIn> StandIns { get; init; } = [];

    /// <summary>False when the search for the best combination ran out of time: there may be a better one.</summary>
    public bool IsSearchedWhole { get; init; } = true;

    /// <summary>All order discounts.</summary>
    public long OrderDiscountMinor => OrderShares.Sum();

    /// <summary>All discounts on deliveries.</summary>
    public long ShippingDiscountMinor => ShippingDiscounts.Sum();

    /// <summary>All discounts.</summary>
    public long DiscountMinor => LineDiscounts.Sum() + OrderDiscountMinor + ShippingDiscountMinor;
}
