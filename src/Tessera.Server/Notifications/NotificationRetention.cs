using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Notifications;

/// <summary>What the room keeps that ages: messages that are over. None has words, an address or a name.</summary>
internal static class NotificationRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "notification",
            "Messages to customers that were sent or given up.",
            1095,
            "notifications.message",
            "d.settled_at < $1 and d.ends_at < platform.clock()"
        )
        {
            FewestDays = 30,
            Customer = "d.customer_id",
            MayArchive = true,
        },
    ];
}
