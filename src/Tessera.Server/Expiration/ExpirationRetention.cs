using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Expiration;

/// <summary>
/// What the room keeps that ages. Jobs, hours and batches do not: they prove that each unit ended, once. Notices go with the
/// end they are for.
/// </summary>
internal static class ExpirationRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "expiry_alert",
            "Alerts of the expiry pipeline that are cleared.",
            365,
            "expiration.alert",
            "d.cleared_at < $1"
        )
        {
            MayArchive = true,
        },
        new(
            "expiry_change",
            "Extensions, forced ends and cancellations: what was asked for, and why.",
            1095,
            "expiration.change",
            """
            d.created_at < $1 and not exists (select from platform.operation o where o.id = d.operation_id
                and o.status in ('pending', 'running', 'paused'))
            """
        )
        {
            FewestDays = 90,
            MayArchive = true,
            Parts = [new("expiration.change_part", "p.change_id = d.id")],
        },
        new("expiry_figures", "Figures of the expiry pipeline by the minute.", 90, "expiration.minute", "d.at < $1"),
        new("node", "Nodes that are no more.", 30, "expiration.node", "d.seen_at < $1"),
    ];

    /// <summary>Words that may name a person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [KeptWords.Of("expiration.change", "reason"), KeptWords.Of("expiration.alert", "acknowledged_note")];
}
