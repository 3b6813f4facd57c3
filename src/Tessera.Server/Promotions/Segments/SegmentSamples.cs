using Tessera.Server.Access;

namespace Tessera.Server.Promotions.Segments;

/// <summary>Examples of the API description.</summary>
internal static class SegmentSamples
{
    public static SegmentWanted Wanted { get; } =
        new(
            "Loyal in Vienna",
            new ConditionShape
            {
                Regions = ["AT-9"],
                Attributes = [new AttributeShape("spend", 50_000), new AttributeShape("days_since_order", Max: 90)],
            },
            "EUR"
        );

    public static SegmentView View { get; } =
        new(
            Samples.Id,
            Wanted.Name,
            "rule",
            1,
            "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
            Samples.At,
            Samples.At,
            null,
            Wanted.Rule,
            Wanted.Currency,
            1_234,
            true
        );
}
