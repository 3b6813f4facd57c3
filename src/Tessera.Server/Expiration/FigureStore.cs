using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>What the pipeline counts about itself (EXP-17).</summary>
internal static class FigureStore
{
    /// <summary>Adds a step to its minute.</summary>
    public static Task CountAsync(UnitOfWork work, string node, StepResult step, long units, CancellationToken cancel)
    {
        var late = step.Batches.Count == 0 ? TimeSpan.Zero : step.Now - step.Batches.Min(static b => b.EndsUntil);
        return work.ExecuteAsync(
            """
            insert into expiration.minute as m (at, node, units, steps, late_ms)
            values (date_trunc('minute', $1::timestamptz), $2, $3, 1, $4)
            on conflict (at, node) do update set units = m.units + excluded.units, steps = m.steps + 1,
                late_ms = greatest(m.late_ms, excluded.late_ms)
            """,
            [step.Now, node, units, (long)late.TotalMilliseconds],
            cancel
        );
    }

    /// <summary>Adds a failure to its minute.</summary>
    public static Task FailedAsync(UnitOfWork work, string node, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            insert into expiration.minute as m (at, node, failures) values (date_trunc('minute', platform.clock()), $1, 1)
            on conflict (at, node) do update set failures = m.failures + 1
            """,
            [node],
            cancel
        );

    /// <summary>Says that a node is there, and how its clock is.</summary>
    public static Task SeenAsync(UnitOfWork work, string node, ClockReading reading, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            insert into expiration.node (name, seen_at, drift_ms, is_stopped) values ($1, platform.clock(), $2, $3)
            on conflict (name) do update set seen_at = excluded.seen_at, drift_ms = excluded.drift_ms,
                is_stopped = excluded.is_stopped
            """,
            [node, (long)reading.Drift.TotalMilliseconds, reading.IsStopped],
            cancel
        );
}
