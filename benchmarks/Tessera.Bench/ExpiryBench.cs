using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tessera.Server.Audit;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Bench;

/// <summary>
/// Units that have come due, from their detection to events, releases and commands, against one bare SQL statement that
/// writes the same rows; and what a redeem load of 500 a second beside it notices (PERF-02, PERF-06).
/// </summary>
internal static class ExpiryBench
{
    private const int Workers = 2;
    private const int BesidePerSecond = 500;

    public static async Task<int> RunAsync(bool quick)
    {
        var units = quick ? 1_000_000 : 10_000_000;
        var figures = new Figures();
        await using var ground = await Ground.MakeAsync();
        await ExpiryGround.PrepareAsync(ground);
        var due = await ExpiryGround.IssueAsync(ground, units, 2, quick ? 2 : 8);
        var coupon = await ground.CouponAsync("BESIDE", "unique");
        var codes = await ground.UnitsAsync(coupon, quick ? 30_000 : 120_000);
        var customers = await ground.CustomersAsync(10_000);
        await ground.SettleAsync();
        Figures.Say($"{due} units have come due");

        var bare = await BareAsync(ground);
        Figures.Say($"one bare statement: {bare:F2} s, {due / bare:F0} a second");
        await ground.SettleAsync();

        await using var load = new ExpiryLoad(ground, codes, customers);
        await IdleAsync(load, 2);
        var idle = await IdleAsync(load, quick ? 5 : 10);
        var memory = Process.GetCurrentProcess().WorkingSet64;
        using var stop = new CancellationTokenSource();
        var beside = Task.Run(() => load.RunAsync(BesidePerSecond, stop.Token));
        var (seconds, peak) = await SweepAsync(ground, due);
        await stop.CancelAsync();
        var busy = Figures.Percentile(await beside, 0.99);
        Figures.Say(
            $"pipeline: {seconds:F2} s, {due / seconds:F0} a second, beside {BesidePerSecond} redemptions a second"
        );
        Figures.Say($"p99 of redemptions: idle {idle:F2} ms, beside the sweep {busy:F2} ms");

        // The same once more without the load, for the ratio: both then have the machine alone.
        var again = await ExpiryGround.IssueAsync(ground, units, 12, quick ? 2 : 8);
        await ground.SettleAsync();
        var (alone, _) = await SweepAsync(ground, due + again);
        Figures.Say($"pipeline alone: {alone:F2} s, {again / alone:F0} a second");

        figures.Add("units", due);
        figures.Add("bare_seconds", bare);
        figures.Add("seconds", alone);
        figures.Add("bare_sql_ratio", alone / again / (bare / due));
        figures.Add("per_second", again / alone);
        figures.Add("beside_per_second", due / seconds);
        figures.Add("redeem_p99_idle_ms", idle);
        figures.Add("redeem_p99_beside_ms", busy);
        figures.Add("redeem_p99_ratio", busy / idle);
        figures.Add("memory_grown_mib", Math.Max(0, peak - memory) / 1048576.0);
        var faults = await VerifyAsync(ground);
        figures.Add("faults", faults);
        figures.Print();
        return faults == 0 ? 0 : 1;
    }

    /// <summary>Seals what is not sealed and recomputes every promise.</summary>
    public static async Task<int> VerifyAsync(Ground ground)
    {
        using var sealer = new Sealer(
            ground.Database,
            new Tessera.Server.Settings(),
            TimeProvider.System,
            NullLogger<Sealer>.Instance
        );
        await sealer.SealAsync(default);
        var faults = 0;
        await foreach (var finding in new Verification(ground.ConnectionString).RunAsync(default))
        {
            if (finding.Fault is not null)
            {
                Figures.Say($"{finding.Name}: {finding.Fault}");
                faults++;
            }
        }

        return faults;
    }

    /// <summary>Waits until the log has told of so many units.</summary>
    public static async Task ToldAsync(Ground ground, long units, TimeSpan within)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            var told = await ground.ScalarAsync<long>("select coalesce(sum(units), 0)::bigint from expiration.batch");
            if (told >= units)
            {
                return;
            }

            if (clock.Elapsed > within)
            {
                throw new TimeoutException($"{told} of {units} units were told within {within}.");
            }
        }
    }

    private static async Task<double> BareAsync(Ground ground)
    {
        await ground.ExecuteAsync(ExpiryGround.BareTables);
        await using var connection = new NpgsqlConnection(
            ground.ConnectionString + ";Command Timeout=0;Pooling=false;Options=-c work_mem=96MB -c jit=off"
        );
        await connection.OpenAsync();
        await using var statement = new NpgsqlCommand(ExpiryGround.Bare, connection);
        var now = TimeProvider.System.GetUtcNow();
        statement.Parameters.Add(new NpgsqlParameter { Value = now.AddDays(-2) });
        statement.Parameters.Add(new NpgsqlParameter { Value = now });
        var clock = Stopwatch.StartNew();
        await statement.ExecuteNonQueryAsync();
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task<double> IdleAsync(ExpiryLoad load, int seconds)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        return Figures.Percentile(await load.RunAsync(BesidePerSecond, stop.Token), 0.99);
    }

    /// <summary>From nothing enqueued to everything told, by the workers of one node and one more of each.</summary>
    private static async Task<(double Seconds, long Peak)> SweepAsync(Ground ground, long units)
    {
        using var stop = new CancellationTokenSource();
        var peak = 0L;
        var clock = Stopwatch.StartNew();
        var nodes = Enumerable
            .Range(0, Workers)
            .Select(_ => Task.Run(() => ExpiryNode.RunAsync(ground.Database, stop.Token)))
            .ToArray();
        var told = ToldAsync(ground, units, TimeSpan.FromMinutes(30));
        while (!told.IsCompleted)
        {
            peak = Math.Max(peak, Process.GetCurrentProcess().WorkingSet64);
            await Task.WhenAny(told, Task.Delay(100));
        }

        await told;
        var seconds = clock.Elapsed.TotalSeconds;
        await stop.CancelAsync();
        await Task.WhenAll(nodes);
        return (seconds, peak);
    }
}
