using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>
/// Finds lanes that have something to tell and runs each by itself, so that a sick partner holds up nobody but itself.
/// Every node may run it: a lane is run by the one that holds its lease.
/// </summary>
internal sealed partial class DeliveryWorker(
    Database database,
    LaneStore store,
    LaneRun run,
    TimeProvider clock,
    ILogger<DeliveryWorker> log
) : Worker(clock, log, TimeSpan.FromMilliseconds(200))
{
    /// <summary>Lanes of this node at a time; one that waits for its partner costs next to nothing.</summary>
    private const int MaximumLanes = 512;

    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(5);

    private readonly string _node = Environment.MachineName + ":" + Environment.ProcessId;

    /// <summary>By connector and fence: a lane that is given back may be claimed again before its task is over.</summary>
    private readonly ConcurrentDictionary<(Guid Connector, long Fence), Task> _running = new();

    private readonly TimeProvider _clock = clock;
    private DateTimeOffset _watchedAt;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (_running.Count < MaximumLanes)
        {
            foreach (var lane in await store.ClaimAsync(_node, MaximumLanes - _running.Count, cancel))
            {
                // It is registered before it begins: one that is over at once would stay registered.
                var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _running[(lane.ConnectorId, lane.Fence)] = RunAsync(lane, begin.Task, cancel);
                begin.SetResult();
            }
        }

        var now = _clock.GetUtcNow();
        if (now - _watchedAt >= WatchEvery)
        {
            _watchedAt = now;
            await LaneWatch.RunAsync(database, cancel);
        }

        return false;
    }

    /// <summary>Runs what is due and waits for it; for tests and commands.</summary>
    internal async Task DrainAsync(CancellationToken cancel)
    {
        await RunOnceAsync(cancel);
        await Task.WhenAll(_running.Values);
    }

    private async Task RunAsync(Lane lane, Task begin, CancellationToken cancel)
    {
        await begin;
        try
        {
            await run.RunAsync(lane, cancel);
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            // The lease ends by itself; what was told is told again under the same keys.
            LogFailed(log, lane.ConnectorId, error.Message, Database.IsOutage(error) ? null : error);
        }
        catch (OperationCanceledException)
        {
            LogStopped(log, lane.ConnectorId);
        }
        finally
        {
            _running.TryRemove((lane.ConnectorId, lane.Fence), out _);
        }
    }

    [LoggerMessage(4001, LogLevel.Error, "The lane of connector {Connector} failed: {Reason}")]
    private static partial void LogFailed(ILogger log, Guid connector, string reason, Exception? error);

    [LoggerMessage(4002, LogLevel.Debug, "The lane of connector {Connector} stops with the node")]
    private static partial void LogStopped(ILogger log, Guid connector);
}
