using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;
using Tessera.Server.Coupons;

namespace Tessera.Bench;

/// <summary>The state of one code among millions, against one indexed SELECT on a bare table through the same driver.</summary>
internal static class LookupBench
{
    private const int BlockSize = 500;

    public static async Task<int> RunAsync(Options options)
    {
        var (units, rounds, blocks) = options.Quick ? (1_000_000, 3, 6) : (10_000_000, 5, 20);
        units = options.Instances ?? units;
        await using var ground = await Ground.MakeAsync();
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var codes = await ground.UnitsAsync(coupon, units, keep: 100_000);
        await ground.ExecuteAsync(
            """
            create table public.bare as select code, state, valid_from, valid_until, coupon_id from coupons.instance;
            create unique index on public.bare (code);
            grant select on public.bare to tessera_app
            """
        );
        await ground.SettleAsync();
        RandomNumberGenerator.Shuffle(codes.AsSpan());
        var ours = new List<double>();
        var bare = new List<double>();
        var oursMedian = new List<double>();
        var bareMedian = new List<double>();
        await CostAsync(ground, codes);
        for (var round = 0; round <= rounds; round++)
        {
            var our = new List<double>();
            var their = new List<double>();
            for (var block = 0; block < blocks; block++)
            {
                // Both meet the same codes, and each meets half of them first.
                var from = ((round * blocks) + block) * BlockSize % (codes.Length - BlockSize);
                var some = codes.AsMemory(from, BlockSize);
                if (block % 2 == 0)
                {
                    our.AddRange(await TimesAsync(some, code => OursAsync(ground, code)));
                    their.AddRange(await TimesAsync(some, code => BareAsync(ground, code)));
                }
                else
                {
                    their.AddRange(await TimesAsync(some, code => BareAsync(ground, code)));
                    our.AddRange(await TimesAsync(some, code => OursAsync(ground, code)));
                }
            }

            // The first round warms up.
            if (round > 0)
            {
                ours.Add(Figures.Percentile([.. our], 0.99));
                bare.Add(Figures.Percentile([.. their], 0.99));
                oursMedian.Add(Figures.Median(our));
                bareMedian.Add(Figures.Median(their));
                Figures.Say(
                    $"look-up p99 {ours[^1]:F0} µs, median {oursMedian[^1]:F0} µs; bare p99 {bare[^1]:F0} µs, median {bareMedian[^1]:F0} µs"
                );
            }
        }

        var figures = new Figures();
        figures.AddRatio("p99_ratio", ours, bare);
        figures.AddRatio("median_ratio", oursMedian, bareMedian);
        figures.Add("instances", units);
        figures.Add("p99_us", Figures.Median(ours));
        figures.Add("bare_p99_us", Figures.Median(bare));
        figures.Add("median_us", Figures.Median(oursMedian));
        figures.Add("bare_median_us", Figures.Median(bareMedian));
        figures.Print();
        return 0;
    }

    /// <summary>What one of each costs in processor time, which is the same however busy the machine is.</summary>
    private static async Task CostAsync(Ground ground, string[] codes)
    {
        const int asked = 5_000;
        foreach (
            var (name, ask) in ((string, Func<string, Task>)[])
                [("look-up", code => OursAsync(ground, code)), ("bare", code => BareAsync(ground, code))]
        )
        {
            await TimesAsync(codes.AsMemory(0, asked), ask);
            var before = ground.Cpu;
            await TimesAsync(codes.AsMemory(asked, asked), ask);
            Figures.Say($"{name}: {(ground.Cpu - before).Per(asked)}");
        }
    }

    private static async Task<List<double>> TimesAsync(ReadOnlyMemory<string> codes, Func<string, Task> ask)
    {
        var times = new List<double>(codes.Length);
        for (var i = 0; i < codes.Length; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await ask(codes.Span[i]);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return times;
    }

    private static async Task OursAsync(Ground ground, string code)
    {
        var states = await CodeStates.FindAsync(ground.Database, [code], null, default);
        Check(code, states[0].State);
    }

    private static async Task BareAsync(Ground ground, string code)
    {
        await using var connection = await ground.Database.Source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            "select state, valid_from, valid_until, coupon_id from public.bare where code = $1",
            connection
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = code });
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        Check(code, row.GetString(0));
    }

    private static void Check(string code, string state)
    {
        if (state != "issued")
        {
            throw new InvalidOperationException($"The code {code} is {state}.");
        }
    }
}
