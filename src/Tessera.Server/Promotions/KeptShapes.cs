using Tessera.Core.Promotions;

namespace Tessera.Server.Promotions;

/// <summary>What a price was computed from: with it, and the versions it names, the price is computed again.</summary>
/// <param name="Cart">The cart.</param>
/// <param name="Now">The instant.</param>
/// <param name="Rules">Rules of the house then.</param>
/// <param name="Promotions">Those that could apply.</param>
/// <param name="Uses">Use so far, where there was any.</param>
/// <param name="Whole">False when the search for the best combination had been cut short: that is not repeatable.</param>
internal sealed record ReceiptInput(
    KeptCart Cart,
    DateTimeOffset Now,
    KeptRules Rules,
    IReadOnlyList<KeptPromotion> Promotions,
    IReadOnlyDictionary<string, KeptUse>? Uses,
    bool? Whole
)
{
    /// <summary>Whether the customer was taken out since, on request: then nothing can be computed again.</summary>
    public bool? Erased { get; init; }
}

/// <summary>A promotion that could apply.</summary>
/// <param name="Id">As the engine had it.</param>
/// <param name="Version">Of the definition; the stored one is looked up by it.</param>
/// <param name="Code">Its code, where one was typed.</param>
/// <param name="Order">Its place, where that differs from the definition's.</param>
/// <param name="Definition">Of a coupon without a promotion of its own: its terms are kept here.</param>
/// <param name="Active">False when those terms were switched off.</param>
/// <param name="Fallback">True when it only stands in for the promotion of the same code.</param>
internal sealed record KeptPromotion(
    string Id,
    int Version,
    string? Code = null,
    int? Order = null,
    PromotionDefinition? Definition = null,
    bool? Active = null,
    bool? Fallback = null
);

/// <summary>Use so far.</summary>
internal sealed record KeptUse(
    long Uses,
    long Held,
    long Own,
    long Spent,
    string? Reason,
    DateTimeOffset? Until,
    Remedy? Change,
    long? Left = null
);

/// <summary>Rules of the house.</summary>
internal sealed record KeptRules(
    PercentBase PercentBase,
    Selection Selection,
    int? MaxCodes,
    bool? LastCodesWin,
    bool? AllCodesOrNone,
    bool? ReportAutomatic
);

/// <summary>A cart.</summary>
internal sealed record KeptCart(string Currency, IReadOnlyList<KeptLine> Lines)
{
    public IReadOnlyList<KeptDelivery>? Shipping { get; init; }

    public IReadOnlyList<string>? Codes { get; init; }

    public string? Channel { get; init; }

    public string? Store { get; init; }

    public bool? PricesIncludeTax { get; init; }

    public KeptCustomer? Customer { get; init; }
}

/// <summary>A line.</summary>
internal sealed record KeptLine(string Id, string Sku, long UnitPrice, int Quantity)
{
    public IReadOnlyList<string>? Categories { get; init; }

    public bool? Discountable { get; init; }

    public bool? OnSale { get; init; }

    public long? MinimumUnitPrice { get; init; }

    public decimal? TaxRate { get; init; }

    public string? Service { get; init; }

    public string? SessionType { get; init; }

    public string? Consultant { get; init; }
}

/// <summary>A delivery.</summary>
internal sealed record KeptDelivery(string Id, string Method, long Amount, decimal? TaxRate);

/// <summary>The customer, by id and by what rules may ask for.</summary>
internal sealed record KeptCustomer(
    string Id,
    IReadOnlyList<string>? Groups,
    int CompletedOrders,
    string? Region,
    IReadOnlyDictionary<string, decimal>? Attributes,
    IReadOnlyList<string>? Segments = null
);
