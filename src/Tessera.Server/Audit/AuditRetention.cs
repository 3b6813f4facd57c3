using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Audit;

/// <summary>What the room keeps that ages. The log and its chain do not: they are for ever.</summary>
internal static class AuditRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "request_origin",
            "Addresses from which staff and merchants made changes.",
            365,
            "audit.request_origin",
            "d.at < $1"
        )
        {
            IsAppendOnly = true,
        },
    ];
}
