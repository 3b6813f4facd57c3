using System.Security.Cryptography;

namespace Tessera.Server.Platform.Outbound;

/// <summary>When something that could not be handed over is tried again (convention 25).</summary>
internal static class RetrySchedule
{
    private const double SecondsOfDay = 24 * 60 * 60;

    /// <summary>Seconds before each attempt: the tenth is more than three days after the first.</summary>
    public static IReadOnlyList<int> Usual { get; } = [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400];

    /// <summary>Seconds to wait: a fifth more or less, so that receivers are not all asked at once.</summary>
    /// <param name="seconds">Of the schedule.</param>
    /// <param name="asked">What the receiver asked for; at most a day counts.</param>
    public static double PauseOf(int seconds, TimeSpan? asked = null)
    {
        var spread = 0.8 + RandomNumberGenerator.GetInt32(401) / 1000.0;
        return Math.Max(seconds * spread, Math.Min(asked?.TotalSeconds ?? 0, SecondsOfDay));
    }
}
