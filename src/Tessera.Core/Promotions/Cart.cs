namespace Tessera.Core.Promotions;

/// <summary>One line of goods or of booked sessions (RUL-01).</summary>
/// <param name="Id">The caller's name of the line, unique in the cart.</param>
/// <param name="Sku">What is sold.</param>
/// <param name="UnitPriceMinor">Price of one unit in minor units, 0 or more, before any discount.</param>
/// <param name="Quantity">Units, 1 or more.</param>
public sealed record CartLine(string Id, string Sku, long UnitPriceMinor, int Quantity)
{
    /// <summary>The line's categories, with the categories above them where the shop has a tree (RUL-03).</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>When false the line takes no discount and counts toward no threshold.</summary>
    public bool Discountable { get; init; } = true;

    /// <summary>Already reduced by the shop.</summary>
    public bool OnSale { get; init; }

    /// <summary>No discount brings a unit below this, in minor units.</summary>
    public long MinimumUnitPriceMinor { get; init; }

    /// <summary>Tax in percent; null counts as zero.</summary>
    public decimal? TaxPercent { get; init; }

    /// <summary>The service booked, for lines that are sessions (RUL-07).</summary>
    public string? Service { get; init; }

    /// <summary>The kind of session booked (RUL-07).</summary>
    public string? SessionType { get; init; }

    /// <summary>The consultant booked (RUL-07).</summary>
    public string? Consultant { get; init; }

    /// <summary>What the line costs before any discount, in minor units.</summary>
    public long AmountMinor => UnitPriceMinor * Quantity;
}

/// <summary>One delivery of the cart.</summary>
/// <param name="Id">The caller's name of it, unique in the cart.</param>
/// <param name="Method">The shipping method.</param>
/// <param name="AmountMinor">Its price in minor units, 0 or more.</param>
/// <param name="TaxPercent">Tax in percent; null counts as zero.</param>
public sealed record Shipping(string Id, string Method, long AmountMinor, decimal? TaxPercent = null);

/// <summary>Who buys, as far as it is known. A cart without one belongs to an unknown visitor.</summary>
/// <param name="Id">The customer's id.</param>
public sealed record Shopper(string Id)
{
    /// <summary>An e-mail address also recognises a customer, without regard to case.</summary>
    public string? Email { get; init; }

    /// <summary>Groups the customer is in, as the shop and the directory say (RUL-09).</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Ids of the segments the customer is in, as the house found them (RUL-09).</summary>
    public IReadOnlyList<string> Segments { get; init; } = [];

    /// <summary>Orders completed before this one (RUL-07).</summary>
    public int CompletedOrders { get; init; }

    /// <summary>Where the customer lives (RUL-09).</summary>
    public string? Region { get; init; }

    /// <summary>Numbers known of the customer, such as scores and earlier spend, by name (RUL-10).</summary>
    public IReadOnlyDictionary<string, decimal> Attributes { get; init; } =
        new Dictionary<string, decimal>(StringComparer.Ordinal);
}

/// <summary>Everything a price may depend on besides promotions and their use (RUL-01).</summary>
/// <param name="Currency">ISO 4217, upper case; every amount of the cart is in its minor unit.</param>
/// <param name="Lines">Goods, in the order the customer sees them: ties go to the earlier.</param>
public sealed record Cart(string Currency, IReadOnlyList<CartLine> Lines)
{
    /// <summary>The deliveries.</summary>
    public IReadOnlyList<Shipping> Shipping { get; init; } = [];

    /// <summary>Codes as typed, in order.</summary>
    public IReadOnlyList<string> Codes { get; init; } = [];

    /// <summary>Null for an unknown visitor.</summary>
    public Shopper? Customer { get; init; }

    /// <summary>Where it is sold (RUL-11).</summary>
    public string? Channel { get; init; }

    /// <summary>The shop or site (RUL-11).</summary>
    public string? Store { get; init; }

    /// <summary>Whether prices include tax.</summary>
    public bool PricesIncludeTax { get; init; }
}
