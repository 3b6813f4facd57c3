using Microsoft.Extensions.Logging;
using Tessera.Core.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// The scheduled path (EXP-01, EXP-02): enqueues the hours within the look-ahead in which units end, and those behind it
/// that nobody has enqueued yet. Any number of nodes may run it; an hour is enqueued once.
/// </summary>
public sealed partial class LookAhead(Database database, NodeClock nodeClock, ILogger<LookAhead> log) : IScheduledPass
{
    /// <summary>How far back the frequent look goes; the nightly catch-up goes back to the beginning.</summary>
    private static readonly TimeSpan Behind = TimeSpan.FromDays(2);

    string IScheduledPass.Name => "look-ahead";

    string IScheduledPass.Cron => "0/5 * * * * ?";

    /// <summary>Enqueues what is not enqueued; nothing on a node whose clock is off.</summary>
    public async Task RunOnceAsync(CancellationToken cancel)
    {
        if (!(await nodeClock.CheckAsync(cancel)).IsStopped)
        {
            await PlanAsync(Behind, "schedule", cancel);
        }
    }

    /// <summary>Enqueues what is not enqueued, from so far back to the look-ahead.</summary>
    /// <returns>How many hours were enqueued.</returns>
    internal async Task<int> PlanAsync(TimeSpan behind, string detectedBy, CancellationToken cancel)
    {
        DateTimeOffset now;
        Control control;
        await using (var look = await database.BeginAsync(cancel))
        {
            control = await ControlStore.ReadAsync(look, cancel);
            now = await look.ClockAsync(cancel);
        }

        return control.Mode == "running"
            ? await PlanAsync(Buckets.Of(now - behind), Buckets.Of(now + control.LookAhead), detectedBy, cancel)
            : 0;
    }

    /// <summary>Enqueues what is not enqueued, of a span of time.</summary>
    internal async Task<int> PlanAsync(
        DateTimeOffset from,
        DateTimeOffset until,
        string detectedBy,
        CancellationToken cancel
    )
    {
        IReadOnlyList<DateTimeOffset> hours;
        await using (var look = await database.BeginAsync(cancel))
        {
            hours = await PlanStore.UnplannedAsync(look, from, until, cancel);
        }

        var planned = 0;
        foreach (var hour in hours)
        {
            await using var work = await database.BeginAsync(cancel);
            if (await Planning.TryPlanAsync(work, hour, detectedBy, cancel))
            {
                await work.CommitAsync(cancel);
                planned++;
            }
        }

        if (planned > 0)
        {
            LogPlanned(log, planned);
        }

        return planned;
    }

    [LoggerMessage(4010, LogLevel.Information, "{Hours} hours of ends were enqueued")]
    private static partial void LogPlanned(ILogger log, int hours);
}
