using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// Compares this node's clock with the database's (EXP-14). Nothing is decided by a node's clock, so a wrong one makes
/// nothing late or early; it is still the sign of a sick node, so its workers stop and an alert is raised.
/// </summary>
public sealed partial class NodeClock(Database database, TimeProvider clock, ILogger<NodeClock> log)
{
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(10);

    private long _checkedAt;
    private ClockReading? _latest;

    /// <summary>Of this process, as leases and figures name it.</summary>
    public static string Name { get; } =
        string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{Environment.ProcessId}");

    /// <summary>This node's clock less the database's, as last read; zero before.</summary>
    internal TimeSpan Drift => _latest?.Drift ?? TimeSpan.Zero;

    /// <summary>The latest reading, taken anew every few seconds.</summary>
    public async Task<ClockReading> CheckAsync(CancellationToken cancel)
    {
        if (_latest is { } latest && clock.GetElapsedTime(_checkedAt) < CheckEvery)
        {
            return latest;
        }

        var before = clock.GetUtcNow();
        await using var ask = database.Source.CreateCommand("select clock_timestamp()");
        var there = new DateTimeOffset((DateTime)(await ask.ExecuteScalarAsync(cancel))!);
        var reading = ClockDrift.Judge(before, there, clock.GetUtcNow());
        (_checkedAt, _latest) = (clock.GetTimestamp(), reading);
        await using var work = await database.BeginAsync(cancel);
        await FigureStore.SeenAsync(work, Name, reading, cancel);
        if (reading.IsStopped)
        {
            LogStopped(log, reading.Drift.TotalSeconds);
            await Alerts.RaiseAsync(
                work,
                "clock_drift",
                Name,
                EventLog.Payload(("drift_ms", (long)reading.Drift.TotalMilliseconds)),
                cancel
            );
        }
        else
        {
            await Alerts.ClearAsync(work, "clock_drift", Name, cancel);
        }

        await work.CommitAsync(cancel);
        return reading;
    }

    [LoggerMessage(
        4003,
        LogLevel.Error,
        "The clock of this node is off by {Seconds:F1} s; its expiry workers have stopped"
    )]
    private static partial void LogStopped(ILogger log, double seconds);
}
