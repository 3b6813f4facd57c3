namespace Tessera.Core.Promotions;

/// <summary>What happens to a discount above the rest of a budget.</summary>
public enum BudgetOverflow
{
    /// <summary>It is refused whole.</summary>
    Reject,

    /// <summary>It is cut to what is left.</summary>
    Clip,
}

/// <summary>The most a promotion gives away (CMP-09).</summary>
/// <param name="InUses">Counted in uses; else in minor units of discount.</param>
/// <param name="Limit">The bound.</param>
/// <param name="Overflow">What happens at the bound.</param>
public sealed record PromotionBudget(bool InUses, long Limit, BudgetOverflow Overflow)
{
    /// <summary>Uses drawn on it before they were counted per order.</summary>
    public long UsedBefore { get; init; }
}

/// <summary>A promotion as the engine prices it: a typed tree, one version of it (RUL-12).</summary>
/// <param name="Id">Its id.</param>
/// <param name="Priority">1 applies first; ties go by id.</param>
/// <param name="Effects">One or more, applied in this order.</param>
public sealed record Promotion(string Id, int Priority, IReadOnlyList<Effect> Effects)
{
    /// <summary>The order in which promotions apply.</summary>
    public static readonly Comparison<Promotion> InOrder = static (a, b) =>
        a.Priority != b.Priority ? a.Priority.CompareTo(b.Priority) : string.CompareOrdinal(a.Id, b.Id);

    /// <summary>In normal form; null means it applies by itself.</summary>
    public string? Code { get; init; }

    /// <summary>Stands in for the promotion of the same code when that one is exhausted or not eligible (CMP-01), and else does nothing.</summary>
    public bool IsFallback { get; init; }

    /// <summary>The version of the definition.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Applies alone: the first eligible exclusive one shuts the others out, whatever the amounts (RUL-05).</summary>
    public bool Exclusive { get; init; }

    /// <summary>
    /// Stacking groups (RUL-05): where two promotions both name groups, they combine only when they share one.
    /// Empty combines with any.
    /// </summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Later promotions leave alone the lines this one discounted.</summary>
    public bool StopsFurther { get; init; }

    /// <summary>Switched on.</summary>
    public bool Active { get; init; } = true;

    /// <summary>Inclusive (RUL-04).</summary>
    public DateTimeOffset? ValidFrom { get; init; }

    /// <summary>Exclusive (RUL-04).</summary>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <summary>Where it holds; null means everywhere (RUL-11).</summary>
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>The one currency it holds in; null means any.</summary>
    public string? Currency { get; init; }

    /// <summary>Uses in all; null is unlimited (RUL-08).</summary>
    public int? MaxUses { get; init; }

    /// <summary>Uses by one customer; null is unlimited (RUL-08).</summary>
    public int? MaxUsesPerCustomer { get; init; }

    /// <summary>Further limits, by period, channel or customer; all of them hold (RUL-08).</summary>
    public IReadOnlyList<UseLimit> Limits { get; init; } = [];

    /// <summary>How many of the offer there are; each use takes one. Null is unlimited.</summary>
    public long? Stock { get; init; }

    /// <summary>The budget, if any.</summary>
    public PromotionBudget? Budget { get; init; }

    /// <summary>What must hold of the cart; null asks nothing.</summary>
    public Condition? Condition { get; init; }
}

/// <summary>How often a promotion was used and is held, as far as this cart is concerned (RUL-08).</summary>
/// <param name="Uses">Uses by other orders.</param>
/// <param name="Held">Live holds of other checkouts.</param>
/// <param name="CustomerUses">Uses by this customer on other orders.</param>
/// <param name="SpentMinor">Discount given to other orders, in minor units.</param>
public readonly record struct PromotionUse(long Uses, long Held, long CustomerUses, long SpentMinor)
{
    /// <summary>The first further limit that leaves no use for this cart; null when all do.</summary>
    public LimitHit? Exhausted { get; init; }

    /// <summary>
    /// What is left in minor units of a budget beside the promotion's own that cuts discounts: that of the campaign of its
    /// coupon (CMP-09). Null where there is none.
    /// </summary>
    public long? LeftMinor { get; init; }
}

/// <summary>What a percentage is taken of.</summary>
public enum PercentBase
{
    /// <summary>What earlier discounts left.</summary>
    Running,

    /// <summary>The price before discounts, limited to what is left.</summary>
    Original,
}

/// <summary>Which of the eligible promotions apply.</summary>
public enum Selection
{
    /// <summary>All of them, in order.</summary>
    All,

    /// <summary>On each line only the one that gives it most; order and shipping promotions follow.</summary>
    BestPerLine,

    /// <summary>Only the one that alone gives most.</summary>
    BestForOrder,

    /// <summary>The allowed combination that gives most.</summary>
    BestCombination,
}

/// <summary>Rules of the house, the same for all promotions priced together.</summary>
public sealed record PricingRules
{
    /// <summary>The default: running percentages, all apply, at most 30 codes, codes stand for themselves.</summary>
    public static readonly PricingRules Default = new();

    /// <summary>What a percentage is taken of.</summary>
    public PercentBase PercentBase { get; init; }

    /// <summary>Which of the eligible apply.</summary>
    public Selection Selection { get; init; }

    /// <summary>How many codes a cart takes; null means any number (RUL-05).</summary>
    public int? MaxCodes { get; init; } = 30;

    /// <summary>Beyond the number of codes the last ones stay; else the first ones.</summary>
    public bool LastCodesWin { get; init; }

    /// <summary>One refused code refuses all codes.</summary>
    public bool AllCodesOrNone { get; init; }

    /// <summary>Whether automatic promotions that give nothing are reported too.</summary>
    public bool ReportAutomatic { get; init; } = true;

    /// <summary>
    /// Ends the search for the best combination early; what was best until then is taken, and the quote says so.
    /// </summary>
    public CancellationToken OutOfTime { get; init; }

    /// <summary>Whether every step is noted; quotes on each keystroke go without.</summary>
    public bool Explain { get; init; } = true;
}
