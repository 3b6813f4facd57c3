namespace Tessera.Core.Expiration;

/// <summary>What a node's clock looks like beside the database's (EXP-14).</summary>
/// <param name="Drift">The node's clock less the database's; half of the round trip is taken off in its favour.</param>
/// <param name="IsStopped">Whether the workers of the node have to stop.</param>
public readonly record struct ClockReading(TimeSpan Drift, bool IsStopped);

/// <summary>Judges clocks. No decision about validity uses a node's clock; a wrong one is a sign of a sick node.</summary>
public static class ClockDrift
{
    /// <summary>Beyond this a worker stops (convention 39).</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    /// <summary>Judges one reading.</summary>
    /// <param name="before">The node's clock before it asked the database.</param>
    /// <param name="database">What the database said.</param>
    /// <param name="after">The node's clock when the answer had come.</param>
    /// <returns>A slow answer proves no drift: only what the round trip cannot explain counts.</returns>
    public static ClockReading Judge(DateTimeOffset before, DateTimeOffset database, DateTimeOffset after)
    {
        var drift =
            database < before ? before - database
            : database > after ? after - database
            : TimeSpan.Zero;
        return new ClockReading(drift, drift.Duration() > Limit);
    }
}
