using System.Text.Json.Serialization;

namespace Tessera.Server.Promotions;

/// <summary>A promotion as written. Amounts are minor units of its currency.</summary>
internal record PromotionDefinition
{
    /// <summary>For people; 1 to 200 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The coupon whose codes it prices; without one it applies by itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CouponId { get; init; }

    /// <summary>1 applies first, ties by id; 1000 unless given. A coupon without a promotion of its own has its place too, or comes last.</summary>
    public int ApplyOrder { get; init; } = 1000;

    /// <summary>stackable (unless given), or exclusive: the first eligible exclusive one applies alone (RUL-05).</summary>
    public string Stacking { get; init; } = "stackable";

    /// <summary>Where two promotions both name groups they combine only when they share one; empty combines with any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>line: later promotions leave alone the lines this one discounted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StopFurther { get; init; }

    /// <summary>First instant.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ValidFrom { get; init; }

    /// <summary>First instant after it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ValidUntil { get; init; }

    /// <summary>Where it holds; everywhere unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>ISO 4217; needed as soon as an amount is named.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Currency { get; init; }

    /// <summary>Uses in all; unlimited unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxUsesTotal { get; init; }

    /// <summary>Uses by one customer; unlimited unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxUsesPerUser { get; init; }

    /// <summary>Further limits, by period, channel or customer; all of them hold.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LimitShape>? Limits { get; init; }

    /// <summary>How many of the offer there are; each use takes one. Unlimited unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Stock { get; init; }

    /// <summary>The most it gives away.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BudgetShape? Budget { get; init; }

    /// <summary>What must hold of a cart; nothing unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ConditionShape? Conditions { get; init; }

    /// <summary>One to twenty, applied in this order.</summary>
    public required IReadOnlyList<EffectShape> Effects { get; init; }
}

/// <summary>A promotion with its state.</summary>
internal sealed record PromotionView : PromotionDefinition
{
    /// <summary>A UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>active or inactive; a new one is inactive.</summary>
    public required string State { get; init; }

    /// <summary>Counts every save and switch; a receipt names the version it was decided by.</summary>
    public required int Version { get; init; }

    /// <summary>Whose it is; null for the deployment's.</summary>
    public required Guid? MerchantId { get; init; }

    /// <summary>What should be looked at, each with its reason; not in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PromotionWarning>? Warnings { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this version was made.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Something said of a promotion that may be saved all the same.</summary>
/// <param name="Field">Where.</param>
/// <param name="Code">always_true, contradiction, shadowed, free_by_stacking.</param>
/// <param name="Message">A sentence for people.</param>
internal sealed record PromotionWarning(string Field, string Code, string Message);

/// <summary>A bound on uses within a scope (RUL-08).</summary>
/// <param name="Max">Uses within it.</param>
/// <param name="Period">ever (unless given), day, week or month: how long uses count together.</param>
/// <param name="TimeZone">Whose midnights begin periods; UTC unless given.</param>
/// <param name="Per">all (unless given) or customer.</param>
/// <param name="Channel">Only uses there count; all together unless given.</param>
internal sealed record LimitShape(
    long Max,
    string Period = "ever",
    string TimeZone = "UTC",
    string Per = "all",
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Channel = null
);

/// <summary>The most a promotion gives away (CMP-09).</summary>
/// <param name="Type">spend, in minor units, or usage.</param>
/// <param name="Limit">The bound.</param>
/// <param name="OnOverflow">reject (unless given) refuses a discount that does not fit, clip cuts it to what is left.</param>
internal sealed record BudgetShape(string Type, long Limit, string OnOverflow = "reject");

/// <summary>What a promotion gives (RUL-02). Which members there may be follows from the type.</summary>
internal sealed record EffectShape
{
    /// <summary>percent, fixed, fixed_price, tiered, graduated, bundle_price or buy_get.</summary>
    public required string Type { get; init; }

    /// <summary>lines, order or shipping.</summary>
    public required string Target { get; init; }

    /// <summary>Which lines; all unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FilterShape? Filter { get; init; }

    /// <summary>Which deliveries; all unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ShippingMethods { get; init; }

    /// <summary>The most it gives, in minor units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MaxDiscountAmount { get; init; }

    /// <summary>each_line, each_unit or across: where it is computed and rounded.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Allocation { get; init; }

    /// <summary>Which units it touches; all unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UnitLimitShape? MaxUnits { get; init; }

    /// <summary>quantity: spread by quantity in place of price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Weights { get; init; }

    /// <summary>goods_and_shipping: an order effect also covers the deliveries.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reach { get; init; }

    /// <summary>Of percent: above 0, up to 100.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? Percent { get; init; }

    /// <summary>Of fixed, fixed_price and bundle_price, in minor units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Amount { get; init; }

    /// <summary>Of tiered: percent or fixed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ValueType { get; init; }

    /// <summary>Of tiered: order_subtotal (unless given), own_amount or eligible_quantity.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Basis { get; init; }

    /// <summary>Of tiered: which units count toward eligible_quantity.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FilterShape? BasisFilter { get; init; }

    /// <summary>Of tiered: the value while no tier is reached; 0 unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? Base { get; init; }

    /// <summary>Of tiered.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TierShape>? Tiers { get; init; }

    /// <summary>Of graduated: off the first unit of a line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? First { get; init; }

    /// <summary>Of graduated: off each further unit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Additional { get; init; }

    /// <summary>Of graduated: how many units of a line take it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxUnitsPerLine { get; init; }

    /// <summary>Of bundle_price: units of one bundle.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Quantity { get; init; }

    /// <summary>Of bundle_price: cheapest (unless given), dearest or line_order.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pick { get; init; }

    /// <summary>Of bundle_price and buy_get: at most so many times.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxApplications { get; init; }

    /// <summary>Of buy_get: what is paid.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BuyShape? Buy { get; init; }

    /// <summary>Of buy_get: what is reduced.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GetShape? Get { get; init; }

    /// <summary>Of buy_get: line groups the units of each line by itself; else those of the cart together.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scope { get; init; }

    /// <summary>Of buy_get: whether a started group may give fewer units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? PartialGet { get; init; }
}

/// <summary>From this much on, this value.</summary>
/// <param name="From">Minor units or units, by the basis; inclusive.</param>
/// <param name="Value">A percentage or minor units.</param>
internal sealed record TierShape(decimal From, decimal Value);

/// <summary>Paid units of one group.</summary>
/// <param name="Quantity">How many.</param>
/// <param name="Filter">Which; any unless given.</param>
internal sealed record BuyShape(
    int Quantity,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FilterShape? Filter = null
);

/// <summary>Reduced units of one group.</summary>
/// <param name="Quantity">How many.</param>
/// <param name="Filter">Which; any unless given.</param>
/// <param name="Percent">The reduction; 100 unless given.</param>
/// <param name="Pick">cheapest (unless given), dearest or line_order.</param>
internal sealed record GetShape(
    int Quantity,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FilterShape? Filter = null,
    decimal Percent = 100,
    string Pick = "cheapest"
);

/// <summary>So many units, or as many as make whole groups.</summary>
/// <param name="Count">At most so many; null when groups are asked for.</param>
/// <param name="GroupsOf">Whole groups of so many; null when a number is given.</param>
/// <param name="Scope">promotion (unless given) or line.</param>
/// <param name="Pick">cheapest (unless given), dearest or line_order.</param>
internal sealed record UnitLimitShape(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Count = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? GroupsOf = null,
    string Scope = "promotion",
    string Pick = "cheapest"
);

/// <summary>Which lines are meant: those for which all that is given holds.</summary>
internal sealed record FilterShape
{
    /// <summary>One of these.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Skus { get; init; }

    /// <summary>In one of these, or below it in the catalogue's tree.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>None of these.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ExcludeSkus { get; init; }

    /// <summary>In none of these.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ExcludeCategories { get; init; }

    /// <summary>Not on sale.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? ExcludeOnSale { get; init; }

    /// <summary>Inclusive, in minor units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MinUnitPrice { get; init; }

    /// <summary>Inclusive, in minor units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MaxUnitPrice { get; init; }

    /// <summary>Booked services.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Services { get; init; }

    /// <summary>Session types.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? SessionTypes { get; init; }

    /// <summary>Consultants.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Consultants { get; init; }
}
