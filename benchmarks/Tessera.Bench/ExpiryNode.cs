using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Audit;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Bench;

/// <summary>The expiry workers of one node, in this process.</summary>
internal static class ExpiryNode
{
    /// <summary>Runs the workers until the token is cancelled.</summary>
    public static async Task RunAsync(Database database, CancellationToken stop)
    {
        var clock = TimeProvider.System;
        using var horizon = new Horizon(database);
        var drift = new NodeClock(database, clock, NullLogger<NodeClock>.Instance);
        using var sealer = new Sealer(database, new Tessera.Server.Settings(), clock, NullLogger<Sealer>.Instance);
        var lookAhead = new LookAhead(database, drift, NullLogger<LookAhead>.Instance);
        using var nearTime = new NearTime(database, drift, clock, NullLogger<NearTime>.Instance);
        using var sweeper = new Sweeper(database, horizon, drift, clock, NullLogger<Sweeper>.Instance);
        Microsoft.Extensions.Hosting.BackgroundService[] workers = [sealer, nearTime, sweeper];
        foreach (var worker in workers)
        {
            await worker.StartAsync(CancellationToken.None);
        }

        // As often as its schedule, which would begin at a full five seconds.
        while (!stop.IsCancellationRequested)
        {
            await lookAhead.RunOnceAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(5), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (var worker in workers)
        {
            await worker.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>Enqueues what has ended and is not enqueued.</summary>
    public static Task PlanAsync(Database database)
    {
        var drift = new NodeClock(database, TimeProvider.System, NullLogger<NodeClock>.Instance);
        return new LookAhead(database, drift, NullLogger<LookAhead>.Instance).RunOnceAsync(default);
    }

    /// <summary>Seals what is not sealed.</summary>
    public static async Task SealAsync(Database database)
    {
        using var sealer = new Sealer(
            database,
            new Tessera.Server.Settings(),
            TimeProvider.System,
            NullLogger<Sealer>.Instance
        );
        await sealer.SealAsync(default);
    }
}
