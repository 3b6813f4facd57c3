namespace Tessera.Core.Promotions;

/// <summary>What an effect reduces.</summary>
public enum EffectTarget
{
    /// <summary>Lines of goods.</summary>
    Lines,

    /// <summary>The order: its goods together.</summary>
    Order,

    /// <summary>Deliveries.</summary>
    Shipping,
}

/// <summary>Where an amount or a percentage is computed, and so where it is rounded.</summary>
public enum Allocation
{
    /// <summary>Once per line.</summary>
    EachLine,

    /// <summary>Per unit.</summary>
    EachUnit,

    /// <summary>Once on the sum, then spread.</summary>
    Across,
}

/// <summary>In which order units are taken. Cheapest and dearest look at what a unit costs now.</summary>
public enum UnitPick
{
    /// <summary>Cart order.</summary>
    LineOrder,

    /// <summary>The cheapest first, ties in cart order.</summary>
    Cheapest,

    /// <summary>The dearest first, ties in cart order.</summary>
    Dearest,
}

/// <summary>What reaches a tier.</summary>
public enum TierBasis
{
    /// <summary>The goods before discounts.</summary>
    OrderSubtotal,

    /// <summary>The line's or the delivery's own amount before discounts.</summary>
    OwnAmount,

    /// <summary>Units matching the tier's own filter.</summary>
    EligibleQuantity,
}

/// <summary>Limits the units an effect touches: a number of them, or as many as make whole groups.</summary>
/// <param name="Count">At most so many; null when groups are asked for.</param>
/// <param name="GroupsOf">Whole groups of so many; null when a number is given.</param>
/// <param name="PerLine">Per line, else over the whole effect.</param>
/// <param name="Pick">Which units.</param>
public sealed record UnitLimit(int? Count, int? GroupsOf, bool PerLine, UnitPick Pick);

/// <summary>One step of a tiered effect: from this much on, this value.</summary>
/// <param name="From">Minor units or units, by the basis; inclusive.</param>
/// <param name="Value">A percentage or minor units.</param>
public sealed record Tier(decimal From, decimal Value);

/// <summary>What a promotion gives (RUL-02). Each effect of a promotion applies to what the one before it left.</summary>
public abstract record Effect
{
    /// <summary>What it reduces.</summary>
    public required EffectTarget Target { get; init; }

    /// <summary>Which lines.</summary>
    public LineFilter Filter { get; init; } = LineFilter.Any;

    /// <summary>Which deliveries, by method; null means any.</summary>
    public IReadOnlyList<string>? ShippingMethods { get; init; }

    /// <summary>The most this effect gives, in minor units.</summary>
    public long? MaxDiscountMinor { get; init; }

    /// <summary>Where it is computed.</summary>
    public Allocation Allocation { get; init; } = Allocation.Across;

    /// <summary>Which units it touches; null means all.</summary>
    public UnitLimit? MaxUnits { get; init; }

    /// <summary>Whether an order effect also covers the deliveries.</summary>
    public bool ReachesShipping { get; init; }

    /// <summary>Spread by quantity in place of price.</summary>
    public bool WeighByQuantity { get; init; }
}

/// <summary>A percentage off.</summary>
/// <param name="Percent">0 to 100.</param>
public sealed record PercentOff(decimal Percent) : Effect;

/// <summary>An amount off, never more than there is.</summary>
/// <param name="AmountMinor">Minor units, 0 or more.</param>
public sealed record AmountOff(long AmountMinor) : Effect;

/// <summary>A price in place of the present one, never raising it. A free session is a price of zero (RUL-02).</summary>
/// <param name="PriceMinor">Per unit on lines, for all goods on the order, per delivery on shipping.</param>
public sealed record FixedPrice(long PriceMinor) : Effect;

/// <summary>A value that grows with what is bought: that of the highest tier reached.</summary>
/// <param name="IsPercent">Whether values are percentages; else minor units.</param>
/// <param name="Basis">What reaches a tier.</param>
/// <param name="Base">The value while no tier is reached.</param>
/// <param name="Tiers">In any order.</param>
public sealed record TieredOff(bool IsPercent, TierBasis Basis, decimal Base, IReadOnlyList<Tier> Tiers) : Effect
{
    /// <summary>Which units count toward <see cref="TierBasis.EligibleQuantity"/>.</summary>
    public LineFilter BasisFilter { get; init; } = LineFilter.Any;
}

/// <summary>One amount off the first unit of a line, another off each further one.</summary>
/// <param name="FirstMinor">Off the first unit.</param>
/// <param name="AdditionalMinor">Off each further unit.</param>
/// <param name="MaxUnitsPerLine">How many units of a line take it; null means all.</param>
public sealed record GraduatedOff(long FirstMinor, long AdditionalMinor, int? MaxUnitsPerLine) : Effect;

/// <summary>So many units together for one amount.</summary>
/// <param name="Quantity">Units of one bundle, 1 or more.</param>
/// <param name="PriceMinor">What a bundle costs.</param>
/// <param name="Pick">Which units are bundled first.</param>
/// <param name="MaxApplications">At most so many bundles; null means any number.</param>
public sealed record BundlePrice(int Quantity, long PriceMinor, UnitPick Pick, int? MaxApplications) : Effect;

/// <summary>Paid units entitle to others at a reduction.</summary>
/// <param name="BuyQuantity">Paid units of one group.</param>
/// <param name="BuyFilter">Which units count as paid.</param>
/// <param name="GetQuantity">Reduced units of one group.</param>
/// <param name="GetFilter">Which units may be reduced.</param>
/// <param name="Percent">The reduction.</param>
/// <param name="Pick">Which units are reduced first.</param>
/// <param name="PartialGet">Whether a started group may give fewer units.</param>
/// <param name="MaxApplications">At most so many groups, of each line where lines are grouped apart; null means any number.</param>
public sealed record BuyGet(
    int BuyQuantity,
    LineFilter BuyFilter,
    int GetQuantity,
    LineFilter GetFilter,
    decimal Percent,
    UnitPick Pick,
    bool PartialGet,
    int? MaxApplications
) : Effect
{
    /// <summary>Whether each line is grouped by itself; else all units of the cart together.</summary>
    public bool PerLine { get; init; }
}
