using System.Diagnostics;
using System.Text;
using Tessera.Server.Coupons;

namespace Tessera.Bench;

/// <summary>
/// Secret codes by the million below one coupon, each with its unit, written to a file as they are committed; against
/// COPY of rows like these into the same tables and indexes.
/// </summary>
internal static class CodesBench
{
    private const int Copied = 500_000;

    public static async Task<int> RunAsync(Options options)
    {
        var count = options.Instances ?? (options.Quick ? 1_000_000 : 10_000_000);
        await using var ground = await Ground.MakeAsync();
        var coupon = await ground.CouponAsync("BENCH", "unique");
        await GenerateAsync(ground, coupon, CodeGeneration.BatchSize);
        var before = ground.Cpu;
        var seconds = await GenerateAsync(ground, coupon, count);
        Figures.Say($"generated {count / seconds:F0} a second, {(ground.Cpu - before).Per(count)}");
        await ground.SettleAsync();
        before = ground.Cpu;
        var bare = await CopyAsync(ground, coupon);
        Figures.Say($"COPY {Copied / bare:F0} a second, {(ground.Cpu - before).Per(Copied)}");
        var figures = new Figures();
        figures.Add("per_second", count / seconds);
        figures.Add("copy_per_second", Copied / bare);
        figures.Add("copy_ratio", count / seconds / (Copied / bare));
        figures.Print();
        return 0;
    }

    private static async Task<double> GenerateAsync(Ground ground, long coupon, int count)
    {
        var path = Path.GetTempFileName();
        try
        {
            var now = await ground.ScalarAsync<DateTime>("select clock_timestamp()");
            var clock = Stopwatch.StartNew();
            await using (var file = new StreamWriter(path, append: false, Encoding.ASCII))
            {
                await CodeGeneration.RunAsync(
                    ground.Database,
                    new InstanceTerms(coupon, new DateTimeOffset(now), new DateTimeOffset(now.AddDays(60))),
                    count,
                    "",
                    new CatalogueActor("job:bench", "bench"),
                    async units =>
                    {
                        foreach (var unit in units)
                        {
                            file.Write(unit.Code);
                            file.Write('\n');
                        }

                        await file.FlushAsync();
                    },
                    default
                );
            }

            return clock.Elapsed.TotalSeconds;
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Rows as they are, under ids and codes that are new.</summary>
    private static async Task<double> CopyAsync(Ground ground, long coupon)
    {
        var directory = await ground.ScalarAsync<string>("show data_directory");
        await ground.ExecuteAsync(
            $"""
            copy (select id + (1::bigint << 50), valid_until, coupon_id, reverse(code), valid_from from coupons.instance
                where coupon_id = {coupon} limit {Copied}) to '{directory}/units.copy';
            copy (select reverse(code), coupon_id, id + (1::bigint << 50), valid_until from coupons.instance
                where coupon_id = {coupon} limit {Copied}) to '{directory}/codes.copy'
            """
        );
        var clock = Stopwatch.StartNew();
        await ground.ExecuteAsync(
            $"""
            begin;
            copy coupons.instance (id, valid_until, coupon_id, code, valid_from) from '{directory}/units.copy';
            copy coupons.code (code, coupon_id, instance_id, valid_until) from '{directory}/codes.copy';
            commit
            """
        );
        return clock.Elapsed.TotalSeconds;
    }
}
