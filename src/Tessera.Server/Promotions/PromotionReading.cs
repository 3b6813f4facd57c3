using System.Globalization;
using System.Text.RegularExpressions;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>Reads effects, filters and conditions into the typed tree; where a member is wrong, something harmless stands
/// for it, so that the rest is read too.</summary>
internal sealed partial class PromotionReading
{
    private const int MaxTiers = 100;
    private const int MaxParts = 50;

    private static readonly string[] Types =
    [
        "percent",
        "fixed",
        "fixed_price",
        "tiered",
        "graduated",
        "bundle_price",
        "buy_get",
    ];
    private static readonly string[] Targets = ["lines", "order", "shipping"];
    private static readonly string[] Allocations = ["each_line", "each_unit", "across"];
    private static readonly string[] Weights = ["quantity"];
    private static readonly string[] Reaches = ["goods", "goods_and_shipping"];
    private static readonly string[] ValueTypes = ["percent", "fixed"];
    private static readonly string[] Bases = ["order_subtotal", "own_amount", "eligible_quantity"];
    private static readonly string[] Picks = ["cheapest", "dearest", "line_order"];
    private static readonly string[] Scopes = ["promotion", "line"];
    private static readonly string[] Operators = ["gte", "gt", "lte", "eq"];
    private static readonly string[] SpendBases = ["original", "running"];
    private static readonly string[] Pers = ["cart", "line"];

    /// <summary>The days of the week, as they are written.</summary>
    internal static readonly string[] Days =
    [
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
    ];

    /// <summary>Whether any amount was named, so that a currency is needed.</summary>
    public bool NamesMoney { get; set; }

    /// <summary>The effects of a promotion.</summary>
    public IReadOnlyList<Effect> Effects(Fields fields)
    {
        var effects = new List<Effect>();
        fields.List(
            "effects",
            PromotionJson.MaxEffects,
            (item, place) =>
            {
                if (item.Object(place) is { } effect)
                {
                    effects.Add(Effect(effect));
                }

                return "";
            }
        );
        return effects;
    }

    /// <summary>A condition: all members that are given.</summary>
    public AllOf Condition(Fields fields)
    {
        var all = new List<Condition>();
        if (fields.Object("subtotal", required: false) is { } spend)
        {
            all.Add(Spend(spend));
        }

        if (fields.Object("quantity", required: false) is { } quantity)
        {
            var min = quantity.Integer("min", 1, CartCheck.MaxUnits) ?? 1;
            var perLine = quantity.Word("per", Pers, required: false) == "line";
            all.Add(new UnitCount(min, perLine, Filter(quantity, "filter")));
        }

        if (fields.Object("contains", required: false) is { } contains)
        {
            all.Add(new Contains(Filter(contains)));
        }

        Named(fields, "customer_groups", static names => new InGroup(names), all);
        Segments(fields, all);
        Named(fields, "regions", static names => new InRegion(names), all);
        Attributes(fields, all);
        if (fields.Integer("nth_order", 1, int.MaxValue, required: false) is { } nth)
        {
            all.Add(new NthOrder((int)nth));
        }

        Named(fields, "shipping_methods", static names => new ShipsBy(names), all);
        if (fields.Flag("no_on_sale_lines", required: false) == true)
        {
            all.Add(new NothingOnSale());
        }

        Named(fields, "stores", static names => new InStore(names), all);
        if (fields.Object("hours", required: false) is { } hours && Hours(hours) is { } window)
        {
            all.Add(window);
        }

        Group(fields, "all", static parts => new AllOf(parts), all);
        Group(fields, "any", static parts => new AnyOf(parts), all);
        Group(fields, "none", static parts => new NoneOf(parts), all);
        return new AllOf(all);
    }

    private static void Named(
        Fields fields,
        string name,
        Func<IReadOnlyList<string>, Condition> make,
        List<Condition> all
    )
    {
        if (PromotionJson.Names(fields, name) is { } names)
        {
            all.Add(make(names));
        }
    }

    private static void Segments(Fields fields, List<Condition> all)
    {
        if (fields.List("segments", MaxParts, static (item, place) => item.Id(place), required: false) is { } ids)
        {
            all.Add(new InSegment([.. ids.Select(static id => id.ToString()!)]));
        }
    }

    private void Group(Fields fields, string name, Func<IReadOnlyList<Condition>, Condition> make, List<Condition> all)
    {
        if (!fields.Has(name))
        {
            return;
        }

        var parts = new List<Condition>();
        fields.List(
            name,
            MaxParts,
            (item, place) =>
            {
                if (item.Object(place) is { } part)
                {
                    parts.Add(Condition(part));
                }

                return "";
            }
        );
        all.Add(make(parts));
    }

    private Subtotal Spend(Fields fields)
    {
        NamesMoney = true;
        var comparison = fields.Word("operator", Operators, required: false) switch
        {
            "gt" => Comparison.MoreThan,
            "lte" => Comparison.AtMost,
            "eq" => Comparison.Exactly,
            _ => Comparison.AtLeast,
        };
        var amount = fields.Integer("amount", 0, CartCheck.MaxAmountMinor) ?? 1;
        var running = fields.Word("basis", SpendBases, required: false) == "running";
        return new Subtotal(comparison, amount, running, Filter(fields, "filter"));
    }

    private static void Attributes(Fields fields, List<Condition> all) =>
        fields.List(
            "attributes",
            MaxParts,
            (item, place) =>
            {
                if (item.Object(place) is { } range)
                {
                    var name = range.Text("name", 80);
                    if (name is not null && !IsKnownAttribute(name))
                    {
                        range.Add(
                            "name",
                            "unknown_attribute",
                            $"This has to be one of: {KnownAttributes:values}; or customer. and the name of an attribute of the directory."
                        );
                    }

                    var min = range.Decimal("min", required: false);
                    var max = range.Decimal("max", required: false);
                    all.Add(new AttributeInRange(name ?? "", min, max));
                }

                return "";
            },
            required: false
        );

    /// <summary>
    /// Scores of models. Until a model of the house computes them, a deployment's own may be kept with the customer in the
    /// directory, under the same names; of a customer without one nothing is known, and the condition does not hold.
    /// </summary>
    internal static readonly string[] Scores = ["churn_score", "lifetime_value"];

    /// <summary>Numbers the house knows of a customer; scores as <see cref="Scores"/> says (RUL-10).</summary>
    internal static readonly string[] KnownAttributes = ["orders", CustomerRule.Spend, "days_since_order", .. Scores];

    /// <summary>Before the names of attributes that are kept with a customer in the directory.</summary>
    internal const string OwnAttribute = "customer.";

    private static bool IsKnownAttribute(string name) =>
        KnownAttributes.Contains(name, StringComparer.Ordinal)
        || (name.StartsWith(OwnAttribute, StringComparison.Ordinal) && name.Length > OwnAttribute.Length);

    private static Hours? Hours(Fields fields)
    {
        var from = Time(fields, "from");
        var until = Time(fields, "until");
        var zone = fields.Text("time_zone", 64);
        if (zone is not null && !Zones.TryFind(zone, out _))
        {
            fields.Add("time_zone", "unknown_time_zone", "This has to be the IANA name of a time zone.");
            zone = null;
        }

        var days = fields.List("days", 7, static (item, place) => item.Word(place, Days), required: false) ?? [];
        return from is { } begin && until is { } end && zone is not null
            ? new Hours(
                [.. days.Distinct().Select(static day => (DayOfWeek)Array.IndexOf(Days, day))],
                begin,
                end,
                zone
            )
            : null;
    }

    private static TimeOnly? Time(Fields fields, string name)
    {
        var text = fields.Text(name, 5);
        if (text is null)
        {
            return null;
        }

        if (TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            return time;
        }

        fields.Add(name, "not_a_time", "This has to be a time of day, such as 18:00.");
        return null;
    }

    private LineFilter Filter(Fields fields, string name) =>
        fields.Object(name, required: false) is { } filter ? Filter(filter) : LineFilter.Any;

    private LineFilter Filter(Fields fields)
    {
        var filter = new LineFilter
        {
            Skus = PromotionJson.Names(fields, "skus"),
            Categories = PromotionJson.Names(fields, "categories"),
            ExcludeSkus = PromotionJson.Names(fields, "exclude_skus"),
            ExcludeCategories = PromotionJson.Names(fields, "exclude_categories"),
            ExcludeOnSale = fields.Flag("exclude_on_sale", required: false) ?? false,
            MinUnitPriceMinor = fields.Integer("min_unit_price", 0, CartCheck.MaxAmountMinor, required: false),
            MaxUnitPriceMinor = fields.Integer("max_unit_price", 0, CartCheck.MaxAmountMinor, required: false),
            Services = PromotionJson.Names(fields, "services"),
            SessionTypes = PromotionJson.Names(fields, "session_types"),
            Consultants = PromotionJson.Names(fields, "consultants"),
        };
        NamesMoney |= (filter.MinUnitPriceMinor ?? filter.MaxUnitPriceMinor) is not null;
        return filter.AsksNothing ? LineFilter.Any : filter;
    }
}
