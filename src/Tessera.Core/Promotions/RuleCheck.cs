using Tessera.Core.Coupons;

namespace Tessera.Core.Promotions;

/// <summary>Something said of a promotion when it is saved (RUL-12).</summary>
/// <param name="IsError">It may not be saved; else it is a warning.</param>
/// <param name="Field">Where.</param>
/// <param name="Code">Stable: <c>out_of_range</c>, <c>never_true</c>, <c>always_true</c>, <c>shadowed</c>, …</param>
/// <param name="Message">A sentence for people.</param>
public sealed record RuleFinding(bool IsError, string Field, string Code, Sentence Message);

/// <summary>Holds a promotion against what can ever come of it, before it is saved (RUL-12).</summary>
public static class RuleCheck
{
    /// <summary>How deep a tree of conditions may be.</summary>
    public const int MaxDepth = 16;

    /// <summary>Every finding.</summary>
    /// <param name="promotion">The draft.</param>
    /// <param name="others">What is active beside it.</param>
    public static IReadOnlyList<RuleFinding> Of(Promotion promotion, IReadOnlyList<Promotion> others)
    {
        ArgumentNullException.ThrowIfNull(promotion);
        ArgumentNullException.ThrowIfNull(others);
        var findings = new List<RuleFinding>();
        void Error(bool wrong, string field, string code, Sentence message) =>
            Say(findings, true, wrong, field, code, message);
        void Warning(bool holds, string field, string code, Sentence message) =>
            Say(findings, false, holds, field, code, message);

        Error(promotion.Effects.Count == 0, "effects", "required", "A promotion gives something.");
        Error(
            promotion.ValidFrom >= promotion.ValidUntil,
            "valid_until",
            "never_true",
            "The window ends before it begins."
        );
        Error(
            promotion.MaxUses < 1,
            "max_uses_total",
            "out_of_range",
            $"A limit is at least {1:minimum}; leave it out for none."
        );
        Error(
            promotion.MaxUsesPerCustomer < 1,
            "max_uses_per_user",
            "out_of_range",
            $"A limit is at least {1:minimum}."
        );
        Error(promotion.Stock < 1, "stock", "out_of_range", $"A stock is at least {1:minimum}; leave it out for none.");
        Error(promotion.Limits.Any(l => l.Max < 1), "limits", "out_of_range", $"A limit is at least {1:minimum}.");
        Error(
            promotion.Limits.Any(l => !Zones.TryFind(l.Zone, out _)),
            "limits",
            "unknown_time_zone",
            "A limit names no IANA time zone."
        );
        Error(
            promotion.Limits.Select(l => (l.Period, l.Zone, l.PerCustomer, l.Channel)).Distinct().Count()
                < promotion.Limits.Count,
            "limits",
            "duplicate",
            "Two limits count the same."
        );
        Error(promotion.Budget?.Limit < 1, "budget.limit", "out_of_range", "A budget is above zero.");
        Error(promotion.Channels is { Count: 0 }, "channels", "never_true", "An empty list of channels never holds.");
        for (var i = 0; i < promotion.Effects.Count; i++)
        {
            Effects(findings, promotion.Effects[i], $"effects[{i}]");
        }

        if (promotion.Condition is { } condition)
        {
            ConditionCheck.Add(findings, condition);
        }

        Warning(
            promotion.MaxUsesPerCustomer > promotion.MaxUses,
            "max_uses_per_user",
            "always_true",
            "The limit per customer lies above the limit in all."
        );
        Warning(
            promotion is { Exclusive: true, Groups.Count: > 0 },
            "groups",
            "contradiction",
            "An exclusive promotion combines with none, so its groups say nothing."
        );
        var shadow = others.FirstOrDefault(o =>
            o is { Exclusive: true, Code: null, Condition: null, Active: true }
            && (o.Priority < promotion.Priority || !promotion.Exclusive)
            && (o.ValidFrom is null || o.ValidFrom <= promotion.ValidFrom)
            && (o.ValidUntil is null || o.ValidUntil >= promotion.ValidUntil)
            && o.Channels is null
            && (o.Currency is null || o.Currency == promotion.Currency)
            && o is { MaxUses: null, MaxUsesPerCustomer: null, Stock: null, Budget: null, Limits.Count: 0 }
            && o.Effects.All(e => ReferenceEquals(e.Filter, LineFilter.Any) && e.Target != EffectTarget.Shipping)
        );
        Warning(
            shadow is not null,
            "apply_order",
            "shadowed",
            $"{shadow?.Id ?? "":name} is exclusive, asks for nothing, and always takes its place."
        );
        var stacked = others
            .Where(p => p is { Exclusive: false, Active: true, Code: null } && p.Groups.Count == 0)
            .Append(promotion)
            .SelectMany(p => p.Effects)
            .OfType<PercentOff>()
            .Where(p => p.Target != EffectTarget.Shipping)
            .Aggregate(1m, (left, p) => left * (100 - Math.Clamp(p.Percent, 0, 100)) / 100);
        Warning(
            !promotion.Exclusive && stacked < 0.01m && promotion.Effects.OfType<PercentOff>().Any(),
            "stacking",
            "free_by_stacking",
            "With the promotions it may combine with, goods cost next to nothing."
        );
        return findings;
    }

    private static void Effects(List<RuleFinding> findings, Effect effect, string at)
    {
        void Error(bool wrong, string field, string code, Sentence message) =>
            Say(findings, true, wrong, $"{at}.{field}", code, message);
        Error(effect.MaxDiscountMinor < 1, "max_discount_amount", "out_of_range", "A cap is above zero.");
        Error(
            effect.MaxUnits is { } units
                && ((units.Count is null) == (units.GroupsOf is null) || (units.Count ?? units.GroupsOf) < 1),
            "max_units",
            "out_of_range",
            $"A unit limit is a number of units or a size of groups, at least {1:minimum}."
        );
        Error(
            effect.Target != EffectTarget.Lines
                && effect is GraduatedOff or BundlePrice or BuyGet
                && effect.Target != EffectTarget.Lines,
            "target",
            "contradiction",
            "This effect works on lines only."
        );
        Filter(findings, effect.Filter, $"{at}.filter");
        switch (effect)
        {
            case PercentOff { Percent: var percent }:
                Error(
                    !IsPercent(percent),
                    "percent",
                    "out_of_range",
                    $"A percentage lies above {0:above} and up to {100:maximum}."
                );
                break;
            case AmountOff { AmountMinor: < 1 }:
                Error(true, "amount", "out_of_range", "An amount is above zero.");
                break;
            case FixedPrice { PriceMinor: < 0 }:
                Error(true, "amount", "out_of_range", $"A price is {0:minimum} or more.");
                break;
            case TieredOff tiered:
                var values = tiered.Tiers.Select(t => t.Value).Append(tiered.Base).ToList();
                Error(tiered.Tiers.Count == 0, "tiers", "required", "There is at least one tier.");
                Error(
                    tiered.Tiers.DistinctBy(t => t.From).Count() < tiered.Tiers.Count,
                    "tiers",
                    "contradiction",
                    "Two tiers begin at the same point."
                );
                Error(
                    values.Exists(v => v < 0 || (tiered.IsPercent ? v > 100 : v != decimal.Truncate(v))),
                    "tiers",
                    "out_of_range",
                    $"A tier's value is a percentage up to {100:maximum}, or whole minor units."
                );
                break;
            case GraduatedOff graduated:
                Error(
                    graduated.FirstMinor < 0 || graduated.AdditionalMinor < 0 || graduated.MaxUnitsPerLine < 1,
                    "first",
                    "out_of_range",
                    $"Amounts are {0:amount} or more, a number of units at least {1:units}."
                );
                break;
            case BundlePrice bundle:
                Error(
                    bundle.Quantity < 1 || bundle.PriceMinor < 0 || bundle.MaxApplications < 1,
                    "quantity",
                    "out_of_range",
                    $"A bundle has at least one unit and a price of {0:amount} or more."
                );
                break;
            case BuyGet get:
                Error(
                    get.BuyQuantity < 1 || get.GetQuantity < 1 || get.MaxApplications < 1 || !IsPercent(get.Percent),
                    "get",
                    "out_of_range",
                    $"Quantities are at least {1:units}, the percentage above 0 and up to {100:maximum}."
                );
                Filter(findings, get.BuyFilter, $"{at}.buy.filter");
                Filter(findings, get.GetFilter, $"{at}.get.filter");
                break;
            default:
                break;
        }
    }

    private static bool IsPercent(decimal percent) => percent is > 0 and <= 100 && percent.Scale <= 15;

    internal static void Filter(List<RuleFinding> findings, LineFilter filter, string at)
    {
        var never =
            filter.MinUnitPriceMinor > filter.MaxUnitPriceMinor
            || IsEmptied(filter.Skus, filter.ExcludeSkus)
            || IsEmptied(filter.Categories, filter.ExcludeCategories);
        Say(findings, true, never, at, "never_true", "No line can match: what is asked for is also excluded or empty.");
    }

    private static bool IsEmptied(IReadOnlyList<string>? wanted, IReadOnlyList<string>? without) =>
        wanted is not null && wanted.All(w => without?.Contains(w, StringComparer.Ordinal) == true);

    internal static void Say(
        List<RuleFinding> findings,
        bool isError,
        bool holds,
        string field,
        string code,
        Sentence message
    )
    {
        if (holds)
        {
            findings.Add(new RuleFinding(isError, field, code, message));
        }
    }
}
