using System.Text;
using System.Text.Json;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions.Segments;

/// <summary>A stored segment: a list of customers, or a rule over what the house knows of them (RUL-09).</summary>
/// <param name="Id">Of the segment.</param>
/// <param name="MerchantId">Whose; null for the deployment's.</param>
/// <param name="Name">For people.</param>
/// <param name="Currency">Of the spend its rule asks for.</param>
/// <param name="Rule">Null for a list.</param>
/// <param name="Version">Counts the changes of its definition.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When this version was made.</param>
internal sealed record Segment(
    Guid Id,
    Guid? MerchantId,
    string Name,
    string? Currency,
    AllOf? Rule,
    int Version,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt
)
{
    /// <summary>Parts of a rule, with those of the segments it asks for, that are judged at most.</summary>
    public const int MaxParts = 500;

    /// <summary>As conditions name it.</summary>
    public string Key { get; } = Id.ToString();

    /// <summary>The rule as it is stored.</summary>
    public static byte[] ToBytes(AllOf rule) =>
        JsonSerializer.SerializeToUtf8Bytes(PromotionWriting.Condition(rule), Wire.Json);

    /// <summary>The rule as it was stored.</summary>
    /// <exception cref="InvalidOperationException">It is not what this release writes.</exception>
    public static AllOf RuleOf(string stored)
    {
        var body = RequestBody.Parse(Encoding.UTF8.GetBytes(stored)).Body;
        return body is null
            ? throw new InvalidOperationException("The rule of a segment cannot be read.")
            : new PromotionReading().Condition(Fields.Of(body));
    }

    /// <summary>What callers see.</summary>
    public SegmentView View(SegmentSize? size = null) =>
        new(
            Id,
            Name,
            Rule is null ? "list" : "rule",
            Version,
            CreatedBy,
            CreatedAt,
            UpdatedAt,
            MerchantId,
            Rule is null ? null : PromotionWriting.Condition(Rule),
            Currency,
            size?.Size,
            size?.IsExact
        );
}

/// <summary>How many customers are in a segment.</summary>
/// <param name="Size">Counted; null when counting took too long.</param>
/// <param name="IsExact">False when there are more than were counted, or they could not be counted in time.</param>
internal sealed record SegmentSize(long? Size, bool IsExact);

/// <summary>The segments of one owner by what they ask for: rules come after those they ask for.</summary>
internal sealed class SegmentBook
{
    private readonly IReadOnlyList<Segment> _rules;

    public SegmentBook(IReadOnlyList<Segment> segments)
    {
        ById = segments.ToDictionary(static s => s.Key, StringComparer.Ordinal);
        var (ordered, placed) = (new List<Segment>(), new HashSet<string>(StringComparer.Ordinal));
        var left = segments.Where(static s => s.Rule is not null).ToList();
        foreach (var list in segments.Where(static s => s.Rule is null))
        {
            placed.Add(list.Key);
        }

        while (left.FindAll(IsReady) is { Count: > 0 } ready)
        {
            ordered.AddRange(ready);
            placed.UnionWith(ready.Select(static s => s.Key));
            left.RemoveAll(s => placed.Contains(s.Key));
        }

        (_rules, Circular) = (ordered, left);

        bool IsReady(Segment segment) =>
            CustomerRule.SegmentsOf(segment.Rule!).All(need => placed.Contains(need) || !ById.ContainsKey(need));
    }

    /// <summary>No segments.</summary>
    public static SegmentBook Empty { get; } = new([]);

    /// <summary>All of them, by id as conditions name it.</summary>
    public IReadOnlyDictionary<string, Segment> ById { get; }

    /// <summary>Those that ask for themselves, directly or through others; none in what was saved.</summary>
    public IReadOnlyList<Segment> Circular { get; }

    /// <summary>The segments a customer is in: the lists that name him, and the rules that hold of him.</summary>
    /// <param name="customer">What the house knows.</param>
    /// <param name="lists">Ids of the lists.</param>
    /// <param name="spent">What was paid for orders that stand, by currency; null where nobody may judge by it.</param>
    /// <param name="now">The instant.</param>
    public IReadOnlyList<string> Of(
        Shopper customer,
        IEnumerable<string> lists,
        IReadOnlyDictionary<string, decimal>? spent,
        DateTimeOffset now
    )
    {
        List<string> found = [.. lists.Where(ById.ContainsKey)];
        foreach (var segment in _rules)
        {
            var attributes = customer.Attributes;
            if (segment.Currency is { } currency && spent is not null)
            {
                attributes = new Dictionary<string, decimal>(attributes, StringComparer.Ordinal)
                {
                    [CustomerRule.Spend] = spent.GetValueOrDefault(currency),
                };
            }

            if (CustomerRule.Holds(segment.Rule!, customer with { Segments = found, Attributes = attributes }, now))
            {
                found.Add(segment.Key);
            }
        }

        return found;
    }

    /// <summary>The way on which a segment asks for itself, by name.</summary>
    public IReadOnlyList<string>? CircleOf(Segment segment)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return Walk(segment, [segment.Name]);

        IReadOnlyList<string>? Walk(Segment at, IReadOnlyList<string> way)
        {
            foreach (var need in at.Rule is null ? [] : CustomerRule.SegmentsOf(at.Rule))
            {
                if (!ById.TryGetValue(need, out var next))
                {
                    continue;
                }

                if (need == segment.Key)
                {
                    return [.. way, next.Name];
                }

                if (seen.Add(need) && Walk(next, [.. way, next.Name]) is { } circle)
                {
                    return circle;
                }
            }

            return null;
        }
    }

    /// <summary>The first segment that has too many parts with those it asks for.</summary>
    public Segment? FirstTooLarge()
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var segment in _rules)
        {
            var size =
                CustomerRule.Size(segment.Rule!)
                + CustomerRule.SegmentsOf(segment.Rule!).Sum(need => sizes.GetValueOrDefault(need, 1));
            if (size > Segment.MaxParts)
            {
                return segment;
            }

            sizes[segment.Key] = size;
        }

        return null;
    }
}
