using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>Effects: what each type asks for, and what all have in common.</summary>
internal sealed partial class PromotionReading
{
    private Effect Effect(Fields fields)
    {
        var type = fields.Word("type", Types);
        var target = fields.Word("target", Targets) switch
        {
            "order" => EffectTarget.Order,
            "shipping" => EffectTarget.Shipping,
            _ => EffectTarget.Lines,
        };
        Effect effect = type switch
        {
            "fixed" => new AmountOff(Amount(fields, "amount", 1)) { Target = target },
            "fixed_price" => new FixedPrice(Amount(fields, "amount", 0)) { Target = target },
            "tiered" => Tiered(fields, target),
            "graduated" => Graduated(fields, target),
            "bundle_price" => new BundlePrice(
                Count(fields, "quantity") ?? 1,
                Amount(fields, "amount", 0),
                Pick(fields),
                Count(fields, "max_applications", required: false)
            )
            {
                Target = target,
            },
            "buy_get" => Group(fields, target),
            "percent" => new PercentOff(fields.Decimal("percent") ?? 1) { Target = target },
            _ => new PercentOff(1) { Target = target },
        };
        var cap = fields.Integer("max_discount_amount", 1, CartCheck.MaxAmountMinor, required: false);
        NamesMoney |= cap is not null;
        return effect with
        {
            Filter = Filter(fields, "filter"),
            ShippingMethods = PromotionJson.Names(fields, "shipping_methods"),
            MaxDiscountMinor = cap,
            MaxUnits = fields.Object("max_units", required: false) is { } units ? Units(units) : null,
            WeighByQuantity = fields.Word("weights", Weights, required: false) is not null,
            ReachesShipping = fields.Word("reach", Reaches, required: false) == "goods_and_shipping",
            Allocation = fields.Word("allocation", Allocations, required: false) switch
            {
                "each_line" => Allocation.EachLine,
                "each_unit" => Allocation.EachUnit,
                "across" => Allocation.Across,
                _ => target == EffectTarget.Order ? Allocation.Across : Allocation.EachLine,
            },
        };
    }

    private TieredOff Tiered(Fields fields, EffectTarget target)
    {
        var isPercent = fields.Word("value_type", ValueTypes) == "percent";
        var basis = fields.Word("basis", Bases, required: false) switch
        {
            "own_amount" => TierBasis.OwnAmount,
            "eligible_quantity" => TierBasis.EligibleQuantity,
            _ => TierBasis.OrderSubtotal,
        };
        NamesMoney |= !isPercent || basis != TierBasis.EligibleQuantity;
        var tiers = new List<Tier>();
        fields.List(
            "tiers",
            MaxTiers,
            (item, place) =>
            {
                if (item.Object(place) is { } tier)
                {
                    tiers.Add(new Tier(tier.Decimal("from") ?? tiers.Count, tier.Decimal("value") ?? 1));
                }

                return "";
            }
        );
        return new TieredOff(isPercent, basis, fields.Decimal("base", required: false) ?? 0, tiers)
        {
            Target = target,
            BasisFilter = Filter(fields, "basis_filter"),
        };
    }

    private GraduatedOff Graduated(Fields fields, EffectTarget target) =>
        new(
            Amount(fields, "first", 0),
            Amount(fields, "additional", 0),
            Count(fields, "max_units_per_line", required: false)
        )
        {
            Target = target,
        };

    private BuyGet Group(Fields fields, EffectTarget target)
    {
        var (buy, get) = (fields.Object("buy"), fields.Object("get"));
        return new BuyGet(
            buy is null ? 1 : Count(buy, "quantity") ?? 1,
            buy is null ? LineFilter.Any : Filter(buy, "filter"),
            get is null ? 1 : Count(get, "quantity") ?? 1,
            get is null ? LineFilter.Any : Filter(get, "filter"),
            get?.Decimal("percent", required: false) ?? 100,
            get is null ? UnitPick.Cheapest : Pick(get),
            fields.Flag("partial_get", required: false) ?? false,
            Count(fields, "max_applications", required: false)
        )
        {
            Target = target,
            PerLine = fields.Word("scope", Scopes, required: false) == "line",
        };
    }

    private static UnitLimit Units(Fields fields)
    {
        var (count, groups) = (Count(fields, "count", required: false), Count(fields, "groups_of", required: false));
        var perLine = fields.Word("scope", Scopes, required: false) == "line";
        return new UnitLimit(count, groups, perLine, Pick(fields));
    }

    private static UnitPick Pick(Fields fields) =>
        fields.Word("pick", Picks, required: false) switch
        {
            "dearest" => UnitPick.Dearest,
            "line_order" => UnitPick.LineOrder,
            _ => UnitPick.Cheapest,
        };

    private static int? Count(Fields fields, string name, bool required = true) =>
        (int?)fields.Integer(name, 1, CartCheck.MaxUnits, required);

    private long Amount(Fields fields, string name, long minimum)
    {
        NamesMoney = true;
        return fields.Integer(name, minimum, CartCheck.MaxAmountMinor) ?? minimum;
    }
}
