using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Approvals;

/// <summary>What the room keeps that ages. That something was approved, by whom and how is in the log for ever.</summary>
internal static class ApprovalRetention
{
    /// <summary>Well above the window over which split requests are summed.</summary>
    private const int FewestDays = 90;

    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "approval",
            "Requests for approval that are decided, with what was shown and why.",
            3650,
            "approvals.request",
            "d.decided_at < $1"
        )
        {
            FewestDays = FewestDays,
            MayArchive = true,
        },
        new(
            "emergency",
            "Emergencies that were reviewed.",
            3650,
            "approvals.emergency",
            "d.reviewed_at < $1 and not exists (select from approvals.request r where r.emergency_id = d.id)"
        )
        {
            FewestDays = FewestDays,
            MayArchive = true,
        },
    ];

    /// <summary>Words that may name a person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        Reasoned("approvals.request"),
        Reasoned("approvals.emergency"),
        // What waits still is void then: it is no more what was shown.
        KeptWords.Within("approvals.request", json: "input effect result"),
    ];

    private static KeptWords Reasoned(string table) =>
        new(
            table,
            "t.reason || ' ' || coalesce(t.note, '')",
            $"reason = '{KeptWords.Erased}', note = case when note is not null then '{KeptWords.Erased}' end"
        );
}
