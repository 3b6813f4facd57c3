namespace Tessera.Core.Expiration;

/// <summary>How time is cut for the pipeline (EXP-02, EXP-12).</summary>
public static class Buckets
{
    /// <summary>Length of a bucket.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromHours(1);

    /// <summary>Units of one job at most, when it is planned: so that several workers share a crowded hour.</summary>
    public const int UnitsPerJob = 1_000_000;

    /// <summary>Units one step looks at: bounds its memory, its transaction and the time for which nobody sees progress.</summary>
    public const int UnitsPerStep = 50_000;

    /// <summary>Units of a step while callers redeem at the same node: it holds a processor and the disk for less long.</summary>
    public const int UnitsPerStepBeside = 10_000;

    /// <summary>Runs of ids in one event, so that it stays within 20 kB (convention 22).</summary>
    public const int RunsPerEvent = 500;

    /// <summary>The hour an end lies in: the first instant of its bucket.</summary>
    public static DateTimeOffset Of(DateTimeOffset end)
    {
        var utc = end.ToUniversalTime();
        return new DateTimeOffset(utc.Ticks - (utc.Ticks % Length.Ticks), TimeSpan.Zero);
    }
}
