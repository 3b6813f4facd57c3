using System.Text.Json.Serialization;

namespace Tessera.Server.Promotions;

/// <summary>What must hold of a cart: all members that are given, judged in this order (RUL-06).</summary>
internal sealed record ConditionShape
{
    /// <summary>A spend threshold on lines that take discounts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SpendShape? Subtotal { get; init; }

    /// <summary>A number of units.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public QuantityShape? Quantity { get; init; }

    /// <summary>Some line matches.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FilterShape? Contains { get; init; }

    /// <summary>The customer is in one of these groups.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? CustomerGroups { get; init; }

    /// <summary>The customer is in one of these segments, by id.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Guid>? Segments { get; init; }

    /// <summary>The customer lives in one of these.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Regions { get; init; }

    /// <summary>Numbers known of the customer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AttributeShape>? Attributes { get; init; }

    /// <summary>This is the customer's nth order; 1 is the first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? NthOrder { get; init; }

    /// <summary>One of the deliveries uses one of these.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ShippingMethods { get; init; }

    /// <summary>No line is on sale.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? NoOnSaleLines { get; init; }

    /// <summary>Sold in one of these stores.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Stores { get; init; }

    /// <summary>Days of the week and hours of the day.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HoursShape? Hours { get; init; }

    /// <summary>All of these hold as well.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ConditionShape>? All { get; init; }

    /// <summary>At least one of these holds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ConditionShape>? Any { get; init; }

    /// <summary>None of these holds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ConditionShape>? None { get; init; }
}

/// <summary>A spend threshold (RUL-03).</summary>
/// <param name="Amount">Minor units.</param>
/// <param name="Operator">gte (unless given), gt, lte or eq.</param>
/// <param name="Basis">original (unless given), before discounts, or running, what earlier ones left.</param>
/// <param name="Filter">Which lines count; all unless given.</param>
internal sealed record SpendShape(
    long Amount,
    string Operator = "gte",
    string Basis = "original",
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FilterShape? Filter = null
);

/// <summary>A number of units.</summary>
/// <param name="Min">At least so many.</param>
/// <param name="Per">cart (unless given) adds matching lines up, line wants one line to reach it.</param>
/// <param name="Filter">Which lines count; all unless given.</param>
internal sealed record QuantityShape(
    long Min,
    string Per = "cart",
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FilterShape? Filter = null
);

/// <summary>A number known of the customer lies in a range, both ends included (RUL-10).</summary>
/// <param name="Name">orders, spend, days_since_order, churn_score, lifetime_value, or customer. and a name of the directory.</param>
/// <param name="Min">At least.</param>
/// <param name="Max">At most.</param>
internal sealed record AttributeShape(
    string Name,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? Min = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? Max = null
);

/// <summary>A window of the week. Hours that end before they begin span midnight.</summary>
/// <param name="From">As 18:00; inclusive.</param>
/// <param name="Until">As 22:00; exclusive; equal to the beginning means the whole day.</param>
/// <param name="TimeZone">An IANA name.</param>
/// <param name="Days">monday to sunday, on which it begins; every day unless given.</param>
internal sealed record HoursShape(
    string From,
    string Until,
    string TimeZone,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Days = null
);
