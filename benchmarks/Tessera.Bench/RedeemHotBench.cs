namespace Tessera.Bench;

/// <summary>
/// One shared code with a limit, which everybody uses at once, against distinct codes and against the two baselines on
/// their one row.
/// </summary>
internal static class RedeemHotBench
{
    private const int Clients = 64;
    private const int UsesPerCustomer = 10;

    public static async Task<int> RunAsync(Options options)
    {
        var (seconds, rounds) = options.Quick ? (2, 3) : (8, 5);
        await using var ground = await Ground.MakeAsync();
        var unique = await ground.CouponAsync("BENCH", "unique");
        var hot = await ground.CouponAsync("HOT", "shared");
        await ground.ExecuteAsync("update coupons.coupon set max_uses_total = 1000000000 where id = $1", hot);
        var units = (rounds + 1) * seconds * 15_000;
        var codes = await ground.UnitsAsync(unique, units);
        var customers = await ground.CustomersAsync(units * 2 / UsesPerCustomer);
        await ground.ExecuteAsync(Baselines.Schema(1));
        await using var service = new InProcess(ground, options.Lanes);
        var naive = new Baseline(ground, "naive hot", static _ => Baselines.NaiveHot);
        var informed = new Baseline(ground, "informed hot", static _ => Baselines.InformedHot);
        var used = 0;
        async Task<double> OursAsync(bool isHot, double length)
        {
            var from = used;
            string? Next(int place) =>
                isHot ? "HOT"
                : from + place < codes.Length ? codes[from + place]
                : null;
            var before = ground.Cpu;
            var (perSecond, done, refused) = await service.RunAsync(Next, customers, RedeemBench.Callers, length);
            used += isHot ? 0 : done + RedeemBench.Callers;
            var name = isHot ? "hot" : "distinct";
            Figures.Say($"{name}: {perSecond:F0}/s, {done} done, {refused} refused, {(ground.Cpu - before).Per(done)}");
            return refused * 100 <= done && used < codes.Length
                ? perSecond
                : throw new InvalidOperationException(
                    $"{refused} of {done} were refused; {used} of {codes.Length} codes used."
                );
        }

        // Warm, and with tables that have rows: the plans of an empty database are no plans for a used one.
        await OursAsync(isHot: false, RedeemBench.WarmSeconds);
        await OursAsync(isHot: true, RedeemBench.WarmSeconds);
        await naive.TuneAsync([Clients], 1);
        await informed.TuneAsync([Clients], 1);
        await ground.SettleAsync();
        List<double> distinct = [];
        List<double> ours = [];
        for (var round = 0; round < rounds; round++)
        {
            await ground.ExecuteAsync("checkpoint");
            distinct.Add(await OursAsync(isHot: false, seconds));
            ours.Add(await OursAsync(isHot: true, seconds));
            await naive.MeasureAsync(seconds);
            await informed.MeasureAsync(seconds);
        }

        var figures = new Figures();
        figures.AddRatio("hot_over_distinct", ours, distinct);
        figures.AddRatio("hot_over_naive_hot", ours, naive.PerSecond);
        figures.AddRatio("hot_over_informed_hot", ours, informed.PerSecond);
        figures.Add("hot_per_second", Figures.Median(ours));
        figures.Add("distinct_per_second", Figures.Median(distinct));
        figures.Add("naive_hot_per_second", Figures.Median(naive.PerSecond));
        figures.Add("informed_hot_per_second", Figures.Median(informed.PerSecond));
        figures.Print();
        return 0;
    }
}
