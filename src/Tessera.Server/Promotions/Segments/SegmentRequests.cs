using Tessera.Core;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions.Segments;

/// <summary>Reads definitions of segments, and all that is wrong with them.</summary>
internal static class SegmentRequests
{
    /// <summary>Reads name, rule and currency; what is wrong is in the fields afterwards.</summary>
    /// <param name="fields">The members.</param>
    /// <param name="segment">What they replace.</param>
    /// <param name="all">The segments of its owner.</param>
    public static Segment Read(Fields fields, Segment segment, IReadOnlyList<Segment> all)
    {
        var name = fields.Text("name", 200) ?? "";
        var currency = fields.Text("currency", 3, required: false);
        if (currency is not null && !Currencies.IsKnown(currency))
        {
            fields.Add("currency", "unknown_currency", "This has to be an ISO 4217 currency code.");
        }

        var before = fields.Errors.Count;
        var rule = fields.Object("rule", required: false) is { } given ? new PromotionReading().Condition(given) : null;
        segment = segment with { Name = name, Rule = rule, Currency = currency };
        if (rule is null || fields.Errors.Count > before)
        {
            return segment;
        }

        var errors = CustomerRule.Check(rule).Where(static f => f.IsError).ToList();
        fields.Add(errors.Select(static f => PromotionJson.ErrorOf(f, "conditions", "rule")));
        if (CustomerRule.Foreign(rule) is { } foreign)
        {
            fields.Add("rule." + foreign, "not_of_customers", "A segment asks for nothing but the customer.");
        }

        if (CustomerRule.AsksSpend(rule) && currency is null && !fields.Has("currency"))
        {
            fields.Add("currency", "required", "An amount never crosses currencies: say which spend is meant.");
        }

        if (errors.Count == 0)
        {
            References(fields, segment, all);
        }

        return segment;
    }

    private static void References(Fields fields, Segment segment, IReadOnlyList<Segment> all)
    {
        var book = new SegmentBook([.. all.Where(other => other.Id != segment.Id), segment]);
        foreach (var need in CustomerRule.SegmentsOf(segment.Rule!).Distinct().Where(n => !book.ById.ContainsKey(n)))
        {
            fields.Add("rule.segments", "unknown_reference", $"There is no segment {need:name}.");
        }

        if (book.CircleOf(segment) is { } circle)
        {
            fields.Add("rule.segments", "cycle", $"It would ask for itself: {string.Join(" → ", circle):path}.");
        }
        else if (book.FirstTooLarge() is { } large)
        {
            fields.Add(
                "rule",
                "too_large",
                $"{large.Name:name} would have more than {Segment.MaxParts:maximum} parts, with those of the segments it asks for."
            );
        }
    }
}
