namespace Tessera.Core.Promotions;

/// <summary>Conditions that ask for nothing but the customer: what segments are defined by (RUL-09).</summary>
public static class CustomerRule
{
    /// <summary>The customer's own spend, an amount: it needs a currency.</summary>
    public const string Spend = "spend";

    /// <summary>Whether a rule holds of a customer.</summary>
    public static bool Holds(Condition rule, Shopper customer, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(rule);
        using var state = PricingState.Of(new Cart("XXX", []) { Customer = customer });
        return rule.Check(state, now) is null;
    }

    /// <summary>The first part of a rule that asks for something else than the customer, by its name on the wire.</summary>
    public static string? Foreign(Condition rule) =>
        Parts(rule)
            .Where(static part =>
                part
                    is not (
                        AllOf
                        or AnyOf
                        or NoneOf
                        or InGroup
                        or InSegment
                        or InRegion
                        or AttributeInRange
                        or NthOrder
                    )
            )
            .Select(ConditionCheck.NameOf)
            .FirstOrDefault();

    /// <summary>The segments a rule asks for, by id, each as often as it is asked for.</summary>
    public static IEnumerable<string> SegmentsOf(Condition rule) =>
        Parts(rule).OfType<InSegment>().SelectMany(static part => part.Segments);

    /// <summary>Whether a rule asks for what the customer has spent.</summary>
    public static bool AsksSpend(Condition rule) =>
        Parts(rule).OfType<AttributeInRange>().Any(static part => part.Name == Spend);

    /// <summary>How many parts a rule has, itself included.</summary>
    public static int Size(Condition rule) => Parts(rule).Count();

    /// <summary>What keeps a rule from ever holding, and what is wrong with it; fields begin with <c>conditions</c>.</summary>
    public static IReadOnlyList<RuleFinding> Check(Condition rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        var findings = new List<RuleFinding>();
        ConditionCheck.Add(findings, rule);
        return findings;
    }

    private static IEnumerable<Condition> Parts(Condition rule)
    {
        var open = new Stack<Condition>([rule]);
        while (open.TryPop(out var next))
        {
            yield return next;
            foreach (var part in ConditionCheck.PartsOf(next).Reverse())
            {
                open.Push(part);
            }
        }
    }
}
