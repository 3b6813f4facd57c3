using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Access;

/// <summary>What the room keeps that ages.</summary>
internal static class AccessRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new("session", "Sessions that are over.", 90, "people.session", "least(d.expires_at, d.ended_at) < $1"),
        new("invitation", "Invitations whose time is over.", 90, "people.invitation", "d.expires_at < $1"),
        new(
            "failed_sign_in",
            "Counts of failed sign-ins, by a hash of the address.",
            30,
            "people.attempt",
            "greatest(d.last_at, d.allowed_at) < $1"
        ),
        new("security_alert", "Security alerts that are cleared.", 365, "access.security_alert", "d.cleared_at < $1")
        {
            MayArchive = true,
        },
    ];

    /// <summary>Words that may name a person. People and merchants have names of their own.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        KeptWords.Of("access.customer", "blocked_reason"),
        KeptWords.Of("access.security_alert", "acknowledged_note"),
        KeptWords.Within("access.channel", "name location", also: "version = t.version + 1") with
        {
            IsShown = true,
        },
        KeptWords.Within("people.role", "name", also: "version = t.version + 1") with
        {
            IsShown = true,
        },
        // Somebody may have searched for a customer.
        KeptWords.Within("people.preference", json: "document"),
        KeptWords.Within("access.api_key", "name") with
        {
            IsShown = true,
        },
    ];
}
