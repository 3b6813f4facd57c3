namespace Tessera.Core.Promotions;

/// <summary>Finds conditions that never or always hold (RUL-12).</summary>
internal static class ConditionCheck
{
    public static void Add(List<RuleFinding> findings, Condition condition)
    {
        if (Depth(condition) > RuleCheck.MaxDepth)
        {
            RuleCheck.Say(
                findings,
                true,
                true,
                "conditions",
                "too_deep",
                $"A tree of conditions is at most {RuleCheck.MaxDepth} deep."
            );
            return;
        }

        Walk(findings, condition, "conditions", condition is AllOf);
    }

    /// <summary>Counted without recursion, so that no depth is too much for the check itself.</summary>
    private static int Depth(Condition condition)
    {
        var deepest = 0;
        var open = new Stack<(Condition Condition, int Depth)>([(condition, 1)]);
        while (open.TryPop(out var next) && deepest <= RuleCheck.MaxDepth)
        {
            deepest = Math.Max(deepest, next.Depth);
            foreach (var part in PartsOf(next.Condition))
            {
                open.Push((part, next.Depth + 1));
            }
        }

        return deepest;
    }

    internal static IReadOnlyList<Condition> PartsOf(Condition condition) =>
        condition switch
        {
            AllOf all => all.Of,
            AnyOf any => any.Of,
            NoneOf none => none.Of,
            _ => [],
        };

    private static void Walk(List<RuleFinding> findings, Condition condition, string at, bool isObject)
    {
        void Never(bool holds, string message) => RuleCheck.Say(findings, true, holds, at, "never_true", message);
        void Always(bool holds, string message) => RuleCheck.Say(findings, false, holds, at, "always_true", message);
        switch (condition)
        {
            case AllOf all:
                Contradictions(findings, all, at);
                break;
            case AnyOf any:
                Never(any.Of.Count == 0, "One of none never holds.");
                break;
            case Subtotal spend:
                RuleCheck.Say(findings, true, spend.AmountMinor < 0, at, "out_of_range", "An amount is 0 or more.");
                Always(
                    spend is { Comparison: Comparison.AtLeast, AmountMinor: 0 },
                    "Every cart costs at least nothing."
                );
                RuleCheck.Filter(findings, spend.Filter, at);
                break;
            case UnitCount count:
                Always(count.Min < 1, "Every cart has that many units.");
                Never(count.Min > CartCheck.MaxUnits, "No cart has so many units.");
                RuleCheck.Filter(findings, count.Filter, at);
                break;
            case Contains contains:
                RuleCheck.Filter(findings, contains.Filter, at);
                break;
            case InGroup { Groups.Count: 0 } or InRegion { Regions.Count: 0 } or InStore { Stores.Count: 0 }:
            case InSegment { Segments.Count: 0 }:
            case ShipsBy { Methods.Count: 0 }:
                Never(true, "An empty list never holds.");
                break;
            case AttributeInRange range:
                Never(range.Min > range.Max, "The range ends before it begins.");
                Always(range.Min is null && range.Max is null, "Any known number lies in this range.");
                break;
            case NthOrder { N: < 1 }:
                Never(true, "The first order is number 1.");
                break;
            default:
                break;
        }

        // The root and the parts of a group are objects, whose members all hold; a member may be a group again.
        var parts = PartsOf(condition);
        for (var i = 0; i < parts.Count; i++)
        {
            var place = isObject ? $"{at}.{NameOf(parts[i])}" : $"{at}[{i}]";
            Walk(findings, parts[i], place, !isObject && parts[i] is AllOf);
        }
    }

    /// <summary>What a condition is called where it is written.</summary>
    internal static string NameOf(Condition condition) =>
        condition switch
        {
            AllOf => "all",
            AnyOf => "any",
            NoneOf => "none",
            Subtotal => "subtotal",
            UnitCount => "quantity",
            Contains => "contains",
            InGroup => "customer_groups",
            InSegment => "segments",
            InRegion => "regions",
            AttributeInRange => "attributes",
            NthOrder => "nth_order",
            ShipsBy => "shipping_methods",
            NothingOnSale => "no_on_sale_lines",
            InStore => "stores",
            Hours => "hours",
            _ => throw new ArgumentOutOfRangeException(nameof(condition)),
        };

    /// <summary>Parts of one whole that cannot hold together.</summary>
    private static void Contradictions(List<RuleFinding> findings, AllOf all, string at)
    {
        var spends = all
            .Of.OfType<Subtotal>()
            .Where(s => !s.Running && ReferenceEquals(s.Filter, LineFilter.Any))
            .ToList();
        var least = spends
            .Where(s => s.Comparison is not Comparison.AtMost)
            .Select(s => s.AmountMinor + (s.Comparison == Comparison.MoreThan ? 1 : 0))
            .DefaultIfEmpty(0)
            .Max();
        var most = spends
            .Where(s => s.Comparison is Comparison.AtMost or Comparison.Exactly)
            .Select(s => s.AmountMinor)
            .DefaultIfEmpty(long.MaxValue)
            .Min();
        RuleCheck.Say(
            findings,
            true,
            least > most,
            at,
            "contradiction",
            $"The order would cost at least {least} and at most {most} minor units."
        );
        RuleCheck.Say(
            findings,
            true,
            all.Of.OfType<NthOrder>().Select(n => n.N).Distinct().Count() > 1,
            at,
            "contradiction",
            "An order has one number."
        );
    }
}
