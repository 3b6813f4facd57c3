using System.Globalization;

namespace Tessera.Bench;

/// <summary>Distinct codes, against a transaction of single statements and against one statement.</summary>
internal static class RedeemBench
{
    private const int Callers = 256;

    public static async Task<int> RunAsync(bool quick, int lanes)
    {
        var (units, seconds, runs) = quick ? (300_000, 3, 1) : (2_000_000, 8, 3);
        await using var ground = await Ground.MakeAsync();
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var codes = await ground.UnitsAsync(coupon, units);
        var customers = await ground.CustomersAsync(20_000);
        await ground.ExecuteAsync(Baselines.Schema(units));
        await ground.SettleAsync();
        await using var service = new InProcess(ground, lanes);
        var from = 0;
        string? Next(int place) => from + place < codes.Length ? codes[from + place] : null;
        from += (await service.RunAsync(Next, customers, Callers, 1)).Done + Callers;
        for (var run = 0; run < runs; run++)
        {
            var before = ground.Cpu;
            var (ours, done, refused) = await service.RunAsync(Next, customers, Callers, seconds);
            from += done + Callers;
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"in process {ours:F0}/s, {done} done, {refused} refused, {(ground.Cpu - before).Per(done)}"
                )
            );
            foreach (var clients in (int[])[8, 64])
            {
                before = ground.Cpu;
                var naive = await PgBench.RunAsync(ground, Baselines.Naive(units / clients), clients, seconds);
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"naive {clients}: {naive.PerSecond:F0}/s, {(ground.Cpu - before).Per((int)(naive.PerSecond * seconds))}"
                    )
                );
                await ground.ExecuteAsync(
                    "truncate bare.redemption; update bare.instance set state = 'issued' where state <> 'issued'"
                );
            }
        }

        return 0;
    }
}
