using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Insights.Alerts;

/// <summary>What of the room ages (AUD-08).</summary>
internal static class AlertRetention
{
    /// <summary>The alerts.</summary>
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new("coupon_alert", "Alerts about coupons that are over.", 365, "insights.alert", "d.cleared_at < $1")
        {
            MayArchive = true,
        },
    ];
}
