using System.Diagnostics;
using Npgsql;
using Tessera.Server.Audit;

namespace Tessera.Bench;

/// <summary>
/// The rows a second that verification checks, of redemptions made through the lanes and sealed, against reading the
/// very same rows out of their tables.
/// </summary>
internal static class VerifyBench
{
    private const int Port = 18102;

    private static readonly string[] Tables =
    [
        "platform.event",
        "audit.entry",
        "redemptions.redemption",
        "balances.transfer",
        "balances.account",
        "coupons.instance",
    ];

    public static async Task<int> RunAsync(Options options)
    {
        var redemptions = options.Instances ?? (options.Quick ? 60_000 : 1_000_000);
        await using var ground = await Ground.MakeAsync();
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var codes = await ground.UnitsAsync(coupon, redemptions);
        var customers = await ground.CustomersAsync(redemptions / 5);
        await using (var service = new InProcess(ground, options.Lanes))
        {
            await service.RunAsync(
                place => place < codes.Length ? codes[place] : null,
                customers,
                RedeemBench.Callers,
                double.MaxValue
            );
        }

        await using (await ground.ServeAsync(Port, options.Lanes))
        {
            await ground.SealedAsync();
        }

        await ground.SettleAsync();
        var rows = 0L;
        foreach (var table in Tables)
        {
            rows += await ground.ScalarAsync<long>($"select count(*) from {table}");
        }

        var ours = new List<double>();
        var bare = new List<double>();
        for (var round = 0; round < 3; round++)
        {
            var clock = Stopwatch.StartNew();
            await ScanAsync(ground);
            bare.Add(rows / clock.Elapsed.TotalSeconds);
            clock.Restart();
            await foreach (var finding in new Verification(ground.ConnectionString).RunAsync(default))
            {
                if (finding.Fault is { } fault)
                {
                    throw new InvalidOperationException(fault);
                }
            }

            ours.Add(rows / clock.Elapsed.TotalSeconds);
            Figures.Say($"verified {ours[^1]:F0} rows a second; read {bare[^1]:F0}");
        }

        var figures = new Figures();
        figures.Add("rows", rows);
        figures.Add("rows_per_second", Figures.Median(ours));
        figures.Add("scan_rows_per_second", Figures.Median(bare));
        figures.AddRatio("scan_ratio", ours, bare);
        figures.Print();
        return 0;
    }

    private static async Task ScanAsync(Ground ground)
    {
        await using var connection = await ground.Owner.OpenConnectionAsync();
        var buffer = new byte[128 * 1024];
        foreach (var table in Tables)
        {
            await using var copy = await connection.BeginRawBinaryCopyAsync(
                $"copy (select * from {table}) to stdout (format binary)"
            );
            while (await copy.ReadAsync(buffer, default) > 0)
            {
                // Only read: what it says is the other's work.
            }
        }
    }
}
