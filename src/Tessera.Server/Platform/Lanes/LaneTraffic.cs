using System.Diagnostics;

namespace Tessera.Server.Platform.Lanes;

/// <summary>Whether the lanes of this process have had work lately, for what can wait and gives way to them.</summary>
public static class LaneTraffic
{
    private static readonly TimeSpan Lately = TimeSpan.FromMilliseconds(100);

    private static long _latest = long.MinValue;

    /// <summary>Whether a lane has taken a batch within a tenth of a second.</summary>
    public static bool IsBusy =>
        Volatile.Read(ref _latest) is var latest and not long.MinValue && Stopwatch.GetElapsedTime(latest) < Lately;

    /// <summary>Notes that a lane takes a batch.</summary>
    internal static void Note() => Volatile.Write(ref _latest, Stopwatch.GetTimestamp());
}
