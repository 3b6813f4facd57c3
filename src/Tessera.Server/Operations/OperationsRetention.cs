using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Operations;

/// <summary>What the room keeps that ages.</summary>
internal static class OperationsRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "unit_change",
            "Changes of many units that can no longer be undone, with the states that were there before.",
            1095,
            "operations.unit_plan",
            "greatest(d.undo_until, d.created_at) < $1"
        )
        {
            FewestDays = 30,
            MayArchive = true,
            Parts = [new("operations.unit_line", "p.plan_id = d.id")],
        },
    ];
}
