namespace Tessera.Server.Expiration.Schedules;

/// <summary>
/// The database's clock as this node last read it, for a scheduler that all nodes share (EXP-14): one whose own clock is off
/// must not move a schedule for the others.
/// </summary>
internal sealed class DatabaseTime(NodeClock node, TimeProvider clock) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() - node.Drift;

    public override long GetTimestamp() => clock.GetTimestamp();

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime, period);
}
