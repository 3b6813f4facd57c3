using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>What the room keeps that ages. Who was erased is for ever: a backup that is restored has to be erased again.</summary>
internal static class PrivacyRetention
{
    /// <summary>What was archived.</summary>
    public const string Archive = "archive";

    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new("reveal_reason", "Why personal data was revealed, in words.", 730, "privacy.reveal", "d.at < $1")
        {
            Customer = "d.customer_id",
            MayArchive = true,
        },
        new(
            "privacy_request",
            "Requests of data subjects that are decided, with their proof.",
            1095,
            "privacy.request",
            "d.decided_at < $1"
        )
        {
            // A copy can be fetched for a week.
            FewestDays = 30,
            Customer = "d.customer_id",
            MayArchive = true,
        },
        new("legal_hold", "Legal holds that were ended.", 3650, "privacy.legal_hold", "d.ended_at < $1"),
        new(
            "retention_report",
            "Reports of what was deleted, archived and held.",
            1095,
            "privacy.retention_run",
            """
            d.finished_at < $1 and not exists (select from privacy.archived a where a.data_kind = d.data_kind and a.at = d.at)
            """
        )
        {
            FewestDays = 30,
        },
        new(Archive, "What was archived.", 3650, "privacy.archived", "d.at < $1")
        {
            Customer = "d.customer_id",
            IsAppendOnly = true,
        },
    ];

    /// <summary>Words that may name a person, beside those about the person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        KeptWords.Of("privacy.reveal", "reason"),
        KeptWords.Within("privacy.legal_hold", "matter"),
        KeptWords.Within("privacy.archived", json: "content"),
    ];
}
