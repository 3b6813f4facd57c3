using System.Globalization;
using Tessera.Core.Promotions;
using Tessera.Server.Privacy;

namespace Tessera.Server.Promotions.Segments;

/// <summary>Who is in a segment, as a condition on <c>access.customer c</c>: the same that is judged of one customer.</summary>
/// <param name="segments">Those a rule may ask for.</param>
/// <param name="values">Parameters; those of the condition are added.</param>
internal sealed class SegmentSql(SegmentBook segments, List<object?> values)
{
    /// <summary>The condition of a segment, over a customer with the orders of <see cref="Buyers.Orders"/> as <c>r</c>.</summary>
    public string Of(Segment segment) =>
        segment.Rule is { } rule
            ? Of(rule, segment.Currency)
            : $"exists (select from promotions.segment_member m where m.customer_id = c.id and m.segment_id = {Value(segment.Id)})";

    private string Of(Condition condition, string? currency) =>
        condition switch
        {
            AllOf { Of.Count: 0 } or NoneOf { Of.Count: 0 } => "true",
            AnyOf { Of.Count: 0 } => "false",
            AllOf all => "(" + string.Join(" and ", all.Of.Select(part => Of(part, currency))) + ")",
            AnyOf any => "(" + string.Join(" or ", any.Of.Select(part => Of(part, currency))) + ")",
            NoneOf none => "not (" + string.Join(" or ", none.Of.Select(part => Of(part, currency))) + ")",
            InGroup group => $"c.groups && {Value(group.Groups.ToArray())}",
            InSegment segment => "("
                + string.Join(" or ", segment.Segments.Select(Other).DefaultIfEmpty("false"))
                + ")",
            InRegion region => $"coalesce(c.attributes ->> 'region' = any({Value(region.Regions.ToArray())}), false)",
            NthOrder nth => $"r.orders = {Value((long)nth.N - 1)}",
            AttributeInRange range => InRange(range, currency),
            _ => throw new ArgumentOutOfRangeException(nameof(condition)),
        };

    private string Other(string id) => segments.ById.TryGetValue(id, out var segment) ? Of(segment) : "false";

    /// <summary>What is unknown lies in no range.</summary>
    private string InRange(AttributeInRange range, string? currency)
    {
        var number = range.Name switch
        {
            "orders" => "r.orders::numeric",
            CustomerRule.Spend => $"coalesce((r.spent ->> {Value(currency ?? "")}::text)::numeric, 0)",
            "days_since_order" => "floor(extract(epoch from platform.clock() - r.last_at) / 86400)::numeric",
            _ => Own(
                range.Name.StartsWith(PromotionReading.OwnAttribute, StringComparison.Ordinal)
                    ? range.Name[PromotionReading.OwnAttribute.Length..]
                    : range.Name
            ),
        };
        var least = range.Min is { } min ? $"{number} >= {Value(min)}" : "true";
        var most = range.Max is { } max ? $"{number} <= {Value(max)}" : "true";
        return $"(coalesce({number} is not null and {least} and {most}, false) and not {Objections.Of(Objections.Profiling, "c.id")})";
    }

    private string Own(string name)
    {
        var key = Value(name) + "::text";
        return $"case when jsonb_typeof(c.attributes -> {key}) = 'number' then (c.attributes ->> {key})::numeric end";
    }

    private string Value(object value)
    {
        values.Add(value);
        return "$" + values.Count.ToString(CultureInfo.InvariantCulture);
    }
}
