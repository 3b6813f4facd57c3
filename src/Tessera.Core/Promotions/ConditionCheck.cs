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
                $"A tree of conditions is at most {RuleCheck.MaxDepth:maximum} deep."
            );
            return;
        }

        Walk(findings, condition, "conditions", condition is AllOf, isPart: false);
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

    /// <param name="findings">Grows.</param>
    /// <param name="condition">What is looked at.</param>
    /// <param name="at">Where it is written.</param>
    /// <param name="isObject">Whether its parts are members of an object.</param>
    /// <param name="isPart">Whether it is a part of a whole that was held against itself already.</param>
    private static void Walk(List<RuleFinding> findings, Condition condition, string at, bool isObject, bool isPart)
    {
        void Never(bool holds, string message) => RuleCheck.Say(findings, true, holds, at, "never_true", message);
        void Always(bool holds, string message) => RuleCheck.Say(findings, false, holds, at, "always_true", message);
        switch (condition)
        {
            case AllOf all when !isPart:
                Contradictions(findings, [.. Members(all)], at);
                break;
            case AnyOf any:
                Never(any.Of.Count == 0, "One of none never holds.");
                break;
            case Subtotal spend:
                RuleCheck.Say(
                    findings,
                    true,
                    spend.AmountMinor < 0,
                    at,
                    "out_of_range",
                    $"An amount is {0:minimum} or more."
                );
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
            Walk(findings, parts[i], place, !isObject && parts[i] is AllOf, condition is AllOf && parts[i] is AllOf);
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

    /// <summary>All that has to hold, however it is nested.</summary>
    private static IEnumerable<Condition> Members(AllOf all) =>
        all.Of.SelectMany(part => part is AllOf inner ? Members(inner) : [part]);

    /// <summary>The names a condition asks for, one of which is enough.</summary>
    private static IReadOnlyList<string> NamesIn(Condition condition) =>
        condition switch
        {
            InGroup group => group.Groups,
            InSegment segment => segment.Segments,
            InRegion region => region.Regions,
            InStore store => store.Stores,
            ShipsBy delivery => delivery.Methods,
            _ => [],
        };

    /// <summary>Parts of one whole that cannot hold together.</summary>
    private static void Contradictions(List<RuleFinding> findings, List<Condition> all, string at)
    {
        void Never(bool holds, string message) => RuleCheck.Say(findings, true, holds, at, "contradiction", message);
        var none = all.OfType<NoneOf>()
            .SelectMany(static n => n.Of)
            .Select(static p => p is AllOf { Of: [var only] } ? only : p)
            .ToLookup(static p => p.GetType());
        foreach (var part in all.Where(static p => NamesIn(p).Count > 0))
        {
            var without = none[part.GetType()].SelectMany(NamesIn).ToHashSet(StringComparer.Ordinal);
            Never(NamesIn(part).All(without.Contains), $"All that {NameOf(part)} asks for is excluded by none.");
        }

        // A customer lives in one region, an order is of one store.
        foreach (var same in all.Where(static p => p is InRegion or InStore).GroupBy(static p => p.GetType()))
        {
            var common = same.Select(NamesIn).Aggregate(static (a, b) => [.. a.Intersect(b, StringComparer.Ordinal)]);
            Never(same.Count() > 1 && common.Count == 0, $"No {NameOf(same.First())} are asked for everywhere.");
        }

        var spends = all.OfType<Subtotal>()
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
        Never(least > most, $"The order would cost at least {least} and at most {most} minor units.");
        Never(all.OfType<NthOrder>().Select(static n => n.N).Distinct().Count() > 1, "An order has one number.");
    }
}
