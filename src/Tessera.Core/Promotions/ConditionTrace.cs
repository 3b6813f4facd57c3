using System.Text.Json.Serialization;

namespace Tessera.Core.Promotions;

/// <summary>What became of one condition of a promotion.</summary>
/// <param name="Path">Where it stands, as it is written: <c>subtotal</c>, <c>any[1].customer_groups</c>.</param>
/// <param name="Reason">Why it does not hold; null when it does.</param>
public sealed record ConditionVerdict(
    [property: JsonPropertyName("p")] string Path,
    [property: JsonPropertyName("r")] string? Reason
)
{
    /// <summary>Whether it holds.</summary>
    [JsonIgnore]
    public bool Holds => Reason is null;
}

/// <summary>Judges every single condition of a tree, also those that no longer matter, for the explanation.</summary>
internal static class ConditionTrace
{
    /// <summary>The conditions of the tree, in the order they are judged in.</summary>
    public static IReadOnlyList<ConditionVerdict> Of(Condition condition, PricingState state, DateTimeOffset now)
    {
        var verdicts = new List<ConditionVerdict>();
        Walk(verdicts, condition, "", condition is AllOf, state, now);
        return verdicts;
    }

    private static void Walk(
        List<ConditionVerdict> verdicts,
        Condition condition,
        string at,
        bool isObject,
        PricingState state,
        DateTimeOffset now
    )
    {
        if (condition is not (AllOf or AnyOf or NoneOf))
        {
            var path = at.Length == 0 ? ConditionCheck.NameOf(condition) : at;
            verdicts.Add(new ConditionVerdict(path, condition.Check(state, now)?.Reason));
            return;
        }

        var parts = ConditionCheck.PartsOf(condition);
        for (var i = 0; i < parts.Count; i++)
        {
            var name = ConditionCheck.NameOf(parts[i]);
            var place = isObject ? (at.Length == 0 ? name : $"{at}.{name}") : $"{at}[{i}]";
            Walk(verdicts, parts[i], place, !isObject && parts[i] is AllOf, state, now);
        }
    }
}
