using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Tessera.Server.Platform.Jobs;

/// <summary>A loop that cannot die around one pass. Every node may run it at once; tests call the pass.</summary>
public abstract partial class Worker(TimeProvider clock, ILogger log, TimeSpan interval) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>One pass.</summary>
    /// <returns>Whether there is more to do at once.</returns>
    public abstract Task<bool> RunOnceAsync(CancellationToken cancel);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Off the thread that starts the host.
        await Task.Yield();
        var pause = interval;
        while (!stoppingToken.IsCancellationRequested)
        {
            var hasMore = false;
            try
            {
                hasMore = await RunOnceAsync(stoppingToken);
                pause = interval;
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                var isOutage = Database.IsOutage(error) || error is Lanes.LaneUnavailableException;
                pause = Longer(pause);
                LogFailed(log, GetType().Name, pause, error.Message, isOutage ? null : error);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            if (!hasMore)
            {
                await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>A failure that lasts is asked about, and logged, ever less often.</summary>
    private TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : Max(interval, LongestPause);

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    [LoggerMessage(1101, LogLevel.Error, "{Worker} failed and runs again in {Interval}: {Reason}")]
    private static partial void LogFailed(
        ILogger log,
        string worker,
        TimeSpan interval,
        string reason,
        Exception? error
    );
}
