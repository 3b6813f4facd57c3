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

    public static async Task<int> RunAsync(bool quick)
    {
        var units = quick ? 1_000_000 : 10_000_000;
        var besideUnits = quick ? 250_000 : 1_000_000;
        var figures = new Figures();
        await using var ground = await Ground.MakeAsync();
        await ExpiryGround.PrepareAsync(ground);
        var due = await IssueAsync(ground, units, 2, quick ? 2 : 8);
        var coupon = await ground.CouponAsync("BESIDE", "unique");
        var codes = await ground.UnitsAsync(coupon, quick ? 15_000 : 60_000);
        var customers = await ground.CustomersAsync(10_000);
        await ground.SettleAsync();

        var before = ground.Cpu;
        var bare = await BareAsync(ground);
        Figures.Say(
            $"one bare statement: {bare:F2} s, {due / bare:F0} a second; {(ground.Cpu - before).Per((int)due)}"
        );
        await ground.ExecuteAsync("drop schema bare cascade");
        await ground.ExecuteAsync("checkpoint");

        before = ground.Cpu;
        var (alone, first, second) = await SweepAsync(ground, due);
        Figures.Say($"pipeline: {alone:F2} s, {due / alone:F0} a second; {(ground.Cpu - before).Per((int)due)}");
        Figures.Say($"memory: at most {first:F0} MiB in the first half, {second:F0} in the second");

        // Once more, by one node that redeems meanwhile.
        var again = await IssueAsync(ground, besideUnits, 12, quick ? 2 : 8);
        await ground.SettleAsync();
        await using var load = new ExpiryLoad(ground, place => codes[place % codes.Length], customers);
        var (idle, busy, seconds, windows) = await ExpiryBeside.RunAsync(ground, load, due + again);
        Figures.Say($"{again / seconds:F0} a second beside {ExpiryBeside.PerSecond} redemptions a second");
        Figures.Say(
            $"p99 of redemptions: idle {idle:F2} ms, beside the sweep {busy:F2} ms; medians of {windows} windows"
        );
        Figures.Say($"redemptions: {load.Answers.Accepted} accepted, {load.Answers.Refused} refused");

        figures.Add("units", due);
        figures.Add("bare_seconds", bare);
        figures.Add("seconds", alone);
        figures.Add("bare_sql_ratio", alone / bare);
        figures.Add("per_second", due / alone);
        figures.Add("beside_per_second", again / seconds);
        figures.Add("redeem_p99_idle_ms", idle);
        figures.Add("redeem_p99_beside_ms", busy);
        figures.Add("redeem_p99_ratio", busy / idle);
        figures.Add("memory_peak_mib", Math.Max(first, second));
        figures.Add("memory_growth_ratio", second / first);
        var verifying = Stopwatch.StartNew();
        var faults = await VerifyAsync(ground);
        Figures.Say($"verified in {verifying.Elapsed.TotalSeconds:F0} s");
        figures.Add("verify_faults", faults);
        figures.Print();
        return faults == 0 ? 0 : 1;
    }

    private static async Task<long> IssueAsync(Ground ground, int units, int hoursAgo, int hours)
    {
        var clock = Stopwatch.StartNew();
        var due = await ExpiryGround.IssueAsync(ground, units, hoursAgo, hours);
        await ExpiryGround.FollowedAsync(ground);
        Figures.Say($"{due} units have come due, written in {clock.Elapsed.TotalSeconds:F0} s");
        return due;
    }

    /// <summary>Seals what is not sealed and recomputes every promise.</summary>
    public static async Task<int> VerifyAsync(Ground ground)
    {
        await ExpiryNode.SealAsync(ground.Database);
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

    /// <summary>Units told so far.</summary>
    public static Task<long> ToldAsync(Ground ground) =>
        ground.ScalarAsync<long>("select coalesce(sum(units), 0)::bigint from expiration.batch");

    /// <summary>Waits until the log has told of so many units.</summary>
    public static async Task ToldAsync(Ground ground, long units, TimeSpan within)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            var told = await ToldAsync(ground);
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

    /// <summary>From nothing enqueued to everything told, by the workers of one node and one more of each.</summary>
    /// <returns>Seconds, and the most memory of this process while the first and the second half were told, in MiB.</returns>
    private static async Task<(double Seconds, double First, double Second)> SweepAsync(Ground ground, long units)
    {
        GC.Collect();
        using var stop = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();
        var peaks = new List<double>();
        var nodes = Enumerable
            .Range(0, Workers)
            .Select(_ => Task.Run(() => ExpiryNode.RunAsync(ground.Database, stop.Token)))
            .ToArray();
        var told = ToldAsync(ground, units, TimeSpan.FromMinutes(30));
        while (!told.IsCompleted)
        {
            peaks.Add(Process.GetCurrentProcess().WorkingSet64 / 1048576.0);
            await Task.WhenAny(told, Task.Delay(100));
        }

        await told;
        var seconds = clock.Elapsed.TotalSeconds;
        await stop.CancelAsync();
        await Task.WhenAll(nodes);
        return (seconds, peaks.Take((peaks.Count + 1) / 2).Max(), peaks.Skip(peaks.Count / 2).Max());
    }
}
