using System.Globalization;
using Tessera.Core.Promotions;

namespace Tessera.Server.Promotions;

/// <summary>The typed tree in the words of the wire: what <see cref="PromotionReading"/> reads back to the same tree.</summary>
internal static class PromotionWriting
{
    public static EffectShape Effect(Effect effect)
    {
        var shape = new EffectShape
        {
            Type = effect switch
            {
                PercentOff => "percent",
                AmountOff => "fixed",
                FixedPrice => "fixed_price",
                TieredOff => "tiered",
                GraduatedOff => "graduated",
                BundlePrice => "bundle_price",
                BuyGet => "buy_get",
                _ => throw new ArgumentOutOfRangeException(nameof(effect)),
            },
            Target = effect.Target switch
            {
                EffectTarget.Lines => "lines",
                EffectTarget.Order => "order",
                _ => "shipping",
            },
            Filter = Filter(effect.Filter),
            ShippingMethods = effect.ShippingMethods,
            MaxDiscountAmount = effect.MaxDiscountMinor,
            Allocation = effect.Allocation switch
            {
                Allocation.EachLine => "each_line",
                Allocation.EachUnit => "each_unit",
                _ => "across",
            },
            MaxUnits = effect.MaxUnits is { } units
                ? new UnitLimitShape(
                    units.Count,
                    units.GroupsOf,
                    units.PerLine ? "line" : "promotion",
                    Pick(units.Pick)
                )
                : null,
            Weights = effect.WeighByQuantity ? "quantity" : null,
            Reach = effect.ReachesShipping ? "goods_and_shipping" : null,
        };
        return effect switch
        {
            PercentOff percent => shape with { Percent = percent.Percent },
            AmountOff amount => shape with { Amount = amount.AmountMinor },
            FixedPrice price => shape with { Amount = price.PriceMinor },
            TieredOff tiered => Tiered(shape, tiered),
            GraduatedOff graduated => shape with
            {
                First = graduated.FirstMinor,
                Additional = graduated.AdditionalMinor,
                MaxUnitsPerLine = graduated.MaxUnitsPerLine,
            },
            BundlePrice bundle => shape with
            {
                Quantity = bundle.Quantity,
                Amount = bundle.PriceMinor,
                Pick = Pick(bundle.Pick),
                MaxApplications = bundle.MaxApplications,
            },
            BuyGet group => Group(shape, group),
            _ => shape,
        };
    }

    public static ConditionShape Condition(AllOf all)
    {
        // A member stands once; what comes a second time goes into a group of its own, which means the same.
        var (shape, again) = (new ConditionShape(), new List<ConditionShape>());
        foreach (var part in all.Of)
        {
            if (Joined(shape, part) is { } joined)
            {
                shape = joined;
            }
            else
            {
                again.Add(Condition(new AllOf([part])));
            }
        }

        return again.Count == 0 ? shape : shape with { All = [.. shape.All ?? [], .. again] };
    }

    private static ConditionShape? Joined(ConditionShape to, Condition part) =>
        part switch
        {
            Subtotal spend when to.Subtotal is null => to with { Subtotal = Spend(spend) },
            UnitCount count when to.Quantity is null => to with
            {
                Quantity = new QuantityShape(count.Min, count.PerLine ? "line" : "cart", Filter(count.Filter)),
            },
            Contains contains when to.Contains is null => to with
            {
                Contains = Filter(contains.Filter) ?? new FilterShape(),
            },
            InGroup group when to.CustomerGroups is null => to with { CustomerGroups = group.Groups },
            InSegment segment when to.Segments is null => to with
            {
                Segments = [.. segment.Segments.Select(Guid.Parse)],
            },
            InRegion region when to.Regions is null => to with { Regions = region.Regions },
            AttributeInRange range => to with
            {
                Attributes = [.. to.Attributes ?? [], new AttributeShape(range.Name, range.Min, range.Max)],
            },
            NthOrder nth when to.NthOrder is null => to with { NthOrder = nth.N },
            ShipsBy ships when to.ShippingMethods is null => to with { ShippingMethods = ships.Methods },
            NothingOnSale => to with { NoOnSaleLines = true },
            InStore store when to.Stores is null => to with { Stores = store.Stores },
            Hours hours when to.Hours is null => to with { Hours = Window(hours) },
            AllOf of when to.All is null => to with { All = Parts(of.Of) },
            AnyOf of when to.Any is null => to with { Any = Parts(of.Of) },
            NoneOf of when to.None is null => to with { None = Parts(of.Of) },
            _ => null,
        };

    private static IReadOnlyList<ConditionShape> Parts(IReadOnlyList<Condition> parts) =>
        [.. parts.Select(static part => Condition(part as AllOf ?? new AllOf([part])))];

    private static SpendShape Spend(Subtotal spend) =>
        new(
            spend.AmountMinor,
            spend.Comparison switch
            {
                Comparison.MoreThan => "gt",
                Comparison.AtMost => "lte",
                Comparison.Exactly => "eq",
                _ => "gte",
            },
            spend.Running ? "running" : "original",
            Filter(spend.Filter)
        );

    private static HoursShape Window(Hours hours) =>
        new(
            hours.From.ToString("HH:mm", CultureInfo.InvariantCulture),
            hours.Until.ToString("HH:mm", CultureInfo.InvariantCulture),
            hours.Zone,
            hours.Days.Count == 0 ? null : [.. hours.Days.Select(static day => PromotionReading.Days[(int)day])]
        );

    private static EffectShape Tiered(EffectShape shape, TieredOff tiered) =>
        shape with
        {
            ValueType = tiered.IsPercent ? "percent" : "fixed",
            Basis = tiered.Basis switch
            {
                TierBasis.OwnAmount => "own_amount",
                TierBasis.EligibleQuantity => "eligible_quantity",
                _ => "order_subtotal",
            },
            BasisFilter = Filter(tiered.BasisFilter),
            Base = tiered.Base == 0 ? null : tiered.Base,
            Tiers = [.. tiered.Tiers.Select(static t => new TierShape(t.From, t.Value))],
        };

    private static EffectShape Group(EffectShape shape, BuyGet group) =>
        shape with
        {
            Buy = new BuyShape(group.BuyQuantity, Filter(group.BuyFilter)),
            Get = new GetShape(group.GetQuantity, Filter(group.GetFilter), group.Percent, Pick(group.Pick)),
            PartialGet = group.PartialGet ? true : null,
            Scope = group.PerLine ? "line" : null,
            MaxApplications = group.MaxApplications,
        };

    private static string Pick(UnitPick pick) =>
        pick switch
        {
            UnitPick.Dearest => "dearest",
            UnitPick.LineOrder => "line_order",
            _ => "cheapest",
        };

    private static FilterShape? Filter(LineFilter filter) =>
        filter.AsksNothing
            ? null
            : new FilterShape
            {
                Skus = filter.Skus,
                Categories = filter.Categories,
                ExcludeSkus = filter.ExcludeSkus,
                ExcludeCategories = filter.ExcludeCategories,
                ExcludeOnSale = filter.ExcludeOnSale ? true : null,
                MinUnitPrice = filter.MinUnitPriceMinor,
                MaxUnitPrice = filter.MaxUnitPriceMinor,
                Services = filter.Services,
                SessionTypes = filter.SessionTypes,
                Consultants = filter.Consultants,
            };
}
