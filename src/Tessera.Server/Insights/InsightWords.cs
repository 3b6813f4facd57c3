using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Insights;

/// <summary>Words that the room keeps and that may name a person.</summary>
internal static class InsightWords
{
    public static IReadOnlyList<KeptWords> All { get; } =
    [
        KeptWords.Of("insights.marker", "text"),
        KeptWords.Of("insights.alert", "acknowledged_note"),
        // A view under another name is of no use, and its filters may name the person too.
        new("insights.saved_view", "t.name || ' ' || t.query", null),
    ];
}
