using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Audit;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Bench;

/// <summary>The expiry workers of one node: in this process, or in one of its own that can be killed.</summary>
internal static class ExpiryNode
{
    /// <summary>The name under which this program is such a process.</summary>
    public const string Command = "expiry-node";

    /// <summary>Runs the workers until the token is cancelled.</summary>
    public static async Task RunAsync(Database database, CancellationToken stop)
    {
        var clock = TimeProvider.System;
        using var horizon = new Horizon(database);
        var drift = new NodeClock(database, clock, NullLogger<NodeClock>.Instance);
        using var sealer = new Sealer(database, new Tessera.Server.Settings(), clock, NullLogger<Sealer>.Instance);
        using var lookAhead = new LookAhead(database, drift, clock, NullLogger<LookAhead>.Instance);
        using var nearTime = new NearTime(database, drift, clock, NullLogger<NearTime>.Instance);
        using var sweeper = new Sweeper(database, horizon, drift, clock, NullLogger<Sweeper>.Instance);
        Microsoft.Extensions.Hosting.BackgroundService[] workers = [sealer, lookAhead, nearTime, sweeper];
        foreach (var worker in workers)
        {
            await worker.StartAsync(CancellationToken.None);
        }

        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var worker in workers)
        {
            await worker.StopAsync(CancellationToken.None);
        }
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

    /// <summary>What <c>tessera-bench expiry-node CONNECTION</c> does: works until its input ends or it is killed.</summary>
    public static async Task<int> ServeAsync(string connectionString)
    {
        await using var database = new Database(connectionString);
        using var stop = new CancellationTokenSource();
        var run = RunAsync(database, stop.Token);
        await Console.In.ReadToEndAsync();
        await stop.CancelAsync();
        await run;
        return 0;
    }

    /// <summary>Starts a process of its own. It ends when this one does.</summary>
    public static Process Start(Ground ground)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(ground.ConnectionString);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, line) =>
        {
            if (line.Data is not null)
            {
                Console.Error.WriteLine(line.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Ends a process that was started here, and waits for it.</summary>
    public static async Task StopAsync(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }
}
