using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;

namespace Tessera.Server.Redemptions;

/// <summary>
/// Tidies reservations whose time is over (RED-05). Nothing waits for it: a lapsed hold counts no more in any decision;
/// this only writes down that it ended. Every node may run it; the lane decides each under its lock.
/// </summary>
public sealed partial class LapseWorker(
    Database database,
    RedemptionService redemptions,
    TimeProvider clock,
    ILogger<LapseWorker> log
) : BackgroundService
{
    private const int BatchLimit = 500;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly Asker Worker = new(
        Guid.Empty,
        null,
        "job:lapse",
        true,
        Guid.Empty,
        Guid.Empty,
        "lapse",
        "/"
    );

    /// <summary>Ends the reservations that have lapsed by now.</summary>
    /// <returns>How many were due.</returns>
    public async Task<int> RunOnceAsync(CancellationToken cancel)
    {
        var due = new List<Guid>();
        await using (
            var command = database.Source.CreateCommand(
                """
                select id from redemptions.reservation
                where ended_at is null and expires_at <= platform.clock()
                order by expires_at limit 
                """ + BatchLimit
            )
        )
        {
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                due.Add(rows.GetGuid(0));
            }
        }

        await Task.WhenAll(due.Select(id => redemptions.RunAsync(new ReleaseCommand(Worker, id, Lapse: true))));
        return due.Count;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await RunOnceAsync(stoppingToken) == BatchLimit) { }
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                LogFailed(log, Interval, error);
            }
        }
    }

    [LoggerMessage(2101, LogLevel.Error, "Ending lapsed reservations failed; it runs again in {Interval}")]
    private static partial void LogFailed(ILogger log, TimeSpan interval, Exception error);
}
