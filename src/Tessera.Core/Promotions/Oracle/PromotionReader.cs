using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>Reads promotions of a case file into the engine's typed tree.</summary>
public static class PromotionReader
{
    /// <summary>Reads one promotion.</summary>
    /// <exception cref="FormatException">It says something this schema does not know.</exception>
    public static Promotion Read(JsonElement json)
    {
        var budget = json.Member("budget");
        var used = budget.Minor("used") ?? 0;
        return new Promotion(
            json.Text("id")!,
            json.GetProperty("applyOrder").GetInt32(),
            [.. json.GetProperty("effects").List(Effect)]
        )
        {
            Code = json.Text("code")?.Trim().ToUpperInvariant(),
            Exclusive = json.Text("stacking") switch
            {
                null or "stackable" => false,
                "exclusive" => true,
                var other => throw OracleReader.Unknown("stacking", other),
            },
            StopsFurther = json.Text("stopFurther") switch
            {
                null => false,
                "line" => true,
                var other => throw OracleReader.Unknown("stopFurther", other),
            },
            Active = json.Member("active").ValueKind != JsonValueKind.False,
            ValidFrom = json.Instant("validFrom"),
            ValidUntil = json.Instant("validUntil"),
            Channels = json.Member("channels").Texts(),
            Currency = json.Text("currency"),
            MaxUses = json.Number("maxUsesTotal"),
            MaxUsesPerCustomer = json.Number("maxUsesPerUser"),
            Condition = Conditions(json.Member("conditions")),
            Budget = budget.Text("type") switch
            {
                null => null,
                "spend" => new PromotionBudget(false, budget.Minor("limit")!.Value, Overflow(budget))
                {
                    UsedBefore = used,
                },
                "usage" => new PromotionBudget(true, budget.Minor("limit")!.Value, Overflow(budget))
                {
                    UsedBefore = used,
                },
                var other => throw OracleReader.Unknown("budget.type", other),
            },
        };
    }

    private static BudgetOverflow Overflow(JsonElement budget) =>
        budget.Text("onOverflow") switch
        {
            null or "reject" => BudgetOverflow.Reject,
            "clip" => BudgetOverflow.Clip,
            var other => throw OracleReader.Unknown("budget.onOverflow", other),
        };

    private static AllOf? Conditions(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var all = new List<Condition>();
        foreach (var (name, read) in Readers)
        {
            if (json.Has(name) && read(json.Member(name)) is { } condition)
            {
                all.Add(condition);
            }
        }

        foreach (var member in json.EnumerateObject())
        {
            if (!Array.Exists(Readers, r => r.Name == member.Name))
            {
                throw OracleReader.Unknown("conditions", member.Name);
            }
        }

        return new AllOf(all);
    }

    /// <summary>In the order in which a failing layer is reported.</summary>
    private static readonly (string Name, Func<JsonElement, Condition?> Read)[] Readers =
    [
        ("subtotal", Spend),
        (
            "quantity",
            json => new UnitCount(json.Minor("min")!.Value, json.Text("per") == "line", Filter(json.Member("filter")))
        ),
        ("contains", json => new Contains(Filter(json))),
        ("customerGroups", json => new InGroup(json.Texts()!)),
        ("nthOrder", json => new NthOrder(json.GetInt32())),
        ("shippingMethods", json => new ShipsBy(json.Texts()!)),
        ("noOnSaleLines", json => json.ValueKind == JsonValueKind.True ? new NothingOnSale() : null),
    ];

    private static Subtotal Spend(JsonElement json) =>
        new(
            json.Text("operator") switch
            {
                null or "gte" => Comparison.AtLeast,
                "gt" => Comparison.MoreThan,
                "lte" => Comparison.AtMost,
                "eq" => Comparison.Exactly,
                var other => throw OracleReader.Unknown("subtotal.operator", other),
            },
            json.Minor("amount")!.Value,
            json.Text("basis") == "running",
            Filter(json.Member("filter"))
        );

    private static LineFilter Filter(JsonElement json) =>
        json.ValueKind != JsonValueKind.Object
            ? LineFilter.Any
            : new LineFilter
            {
                Skus = json.Member("skus").Texts(),
                Categories = json.Member("categories").Texts(),
                ExcludeSkus = json.Member("excludeSkus").Texts(),
                ExcludeCategories = json.Member("excludeCategories").Texts(),
                ExcludeOnSale = json.Flag("excludeOnSale"),
                MinUnitPriceMinor = json.Minor("minUnitPrice"),
                MaxUnitPriceMinor = json.Minor("maxUnitPrice"),
            };

    private static Effect Effect(JsonElement json)
    {
        Effect effect = json.Text("type") switch
        {
            "percent" => new PercentOff(json.Exact("percent")!.Value) { Target = Target(json) },
            "fixed" => new AmountOff(json.Minor("amount")!.Value) { Target = Target(json) },
            "fixedPrice" => new FixedPrice(json.Minor("amount")!.Value) { Target = Target(json) },
            "tiered" => Tiered(json),
            "graduated" => new GraduatedOff(
                json.Minor("first") ?? 0,
                json.Minor("additional") ?? 0,
                json.Number("maxUnitsPerLine")
            )
            {
                Target = Target(json),
            },
            "bundlePrice" => new BundlePrice(
                json.Number("quantity")!.Value,
                json.Minor("amount")!.Value,
                Pick(json),
                json.Number("maxApplications")
            )
            {
                Target = Target(json),
            },
            "buyGet" => Group(json),
            var other => throw OracleReader.Unknown("effect.type", other),
        };
        return effect with
        {
            Filter = Filter(json.Member("filter")),
            ShippingMethods = json.Member("shippingMethods").Texts(),
            MaxDiscountMinor = json.Minor("maxDiscountAmount"),
            MaxUnits = json.Has("maxUnits") ? Units(json.Member("maxUnits")) : null,
            WeighByQuantity = json.Text("weights") == "quantity",
            ReachesShipping = json.Text("reach") switch
            {
                null or "goods" => false,
                "goodsAndShipping" => true,
                var other => throw OracleReader.Unknown("effect.reach", other),
            },
            Allocation = json.Text("allocation") switch
            {
                "eachLine" => Allocation.EachLine,
                "eachUnit" => Allocation.EachUnit,
                "across" => Allocation.Across,
                null => effect.Target == EffectTarget.Order ? Allocation.Across : Allocation.EachLine,
                var other => throw OracleReader.Unknown("effect.allocation", other),
            },
        };
    }

    private static TieredOff Tiered(JsonElement json) =>
        new(
            json.Text("valueType") switch
            {
                "percent" => true,
                "fixed" => false,
                var other => throw OracleReader.Unknown("effect.valueType", other),
            },
            json.Text("basis") switch
            {
                null or "orderSubtotal" => TierBasis.OrderSubtotal,
                "ownAmount" => TierBasis.OwnAmount,
                "eligibleQuantity" => TierBasis.EligibleQuantity,
                var other => throw OracleReader.Unknown("effect.basis", other),
            },
            json.Exact("base") ?? 0,
            [.. json.Member("tiers").List(t => new Tier(t.Exact("from")!.Value, t.Exact("value")!.Value))]
        )
        {
            Target = Target(json),
            BasisFilter = Filter(json.Member("basisFilter")),
        };

    private static BuyGet Group(JsonElement json)
    {
        var (buy, get) = (json.GetProperty("buy"), json.GetProperty("get"));
        return new BuyGet(
            buy.Number("quantity")!.Value,
            Filter(buy.Member("filter")),
            get.Number("quantity")!.Value,
            Filter(get.Member("filter")),
            get.Exact("percent") ?? 100,
            Pick(get),
            json.Flag("partialGet"),
            json.Number("maxApplications")
        )
        {
            Target = Target(json),
        };
    }

    private static UnitLimit Units(JsonElement json) =>
        new(json.Number("count"), json.Number("groupsOf"), json.Text("scope") == "line", Pick(json));

    private static UnitPick Pick(JsonElement json) =>
        json.Text("pick") switch
        {
            null or "cheapest" => UnitPick.Cheapest,
            "dearest" => UnitPick.Dearest,
            "lineOrder" => UnitPick.LineOrder,
            var other => throw OracleReader.Unknown("pick", other),
        };

    private static EffectTarget Target(JsonElement json) =>
        json.Text("target") switch
        {
            "lines" => EffectTarget.Lines,
            "order" => EffectTarget.Order,
            "shipping" => EffectTarget.Shipping,
            var other => throw OracleReader.Unknown("effect.target", other),
        };
}
