namespace Tessera.Core.Expiration;

/// <summary>Whether the pipeline is under pressure, so that partners that are not critical have to wait (EXP-12).</summary>
public static class Pressure
{
    /// <summary>So far behind the sweep needs what the machine has for itself: the minute of PERF-03 is at risk.</summary>
    public static readonly TimeSpan BeginsAt = TimeSpan.FromSeconds(20);

    /// <summary>So little behind the sweep has caught up.</summary>
    public static readonly TimeSpan EndsAt = TimeSpan.FromSeconds(5);

    /// <summary>Critical partners that take whatever comes have waited for so much of their time.</summary>
    public const double BeginsAtShare = 0.5;

    /// <summary>Critical partners are served in so little of their time.</summary>
    public const double EndsAtShare = 0.25;

    /// <summary>Judges; what stands ends later than it began, so that it does not come and go.</summary>
    /// <param name="sweepLag">How far the slowest job that is due has come behind the clock.</param>
    /// <param name="criticalShare">
    /// The longest that a critical partner has waited, as a share of the time it is to be told in; of those that the
    /// pipeline holds up, and that hold up nothing themselves.
    /// </param>
    /// <param name="stands">Whether there was pressure before.</param>
    public static bool Stands(TimeSpan sweepLag, double criticalShare, bool stands) =>
        stands
            ? sweepLag >= EndsAt || criticalShare >= EndsAtShare
            : sweepLag >= BeginsAt || criticalShare >= BeginsAtShare;
}
