namespace Tessera.Bench;

/// <summary>
/// Distinct codes, in this process and over HTTP, against a transaction of single statements (naive) and against one
/// statement with all of it (informed). Client, server and PostgreSQL share the processors.
/// </summary>
internal static class RedeemBench
{
    public const int Callers = 256;

    private const int Port = 18101;

    // Until the runtime has compiled the path for good.
    public const int WarmSeconds = 2;

    // In this process and over HTTP customers are taken in turn, each by itself: twice this is below their limit of 10.
    private const int CodesPerCustomer = 4;

    // More redemptions a second than were ever seen here: so many codes are made for a run.
    private const int CeilingPerSecond = 30_000;

    public static async Task<int> RunAsync(Options options)
    {
        var (seconds, theirSeconds, single, rounds) = options.Quick ? (1.5, 1, 1, 3) : (8.0, 8, 3, 5);
        var units = options.Instances ?? (options.Quick ? 160_000 : 2_000_000);
        await using var ground = await Ground.MakeAsync();

        // It starts and follows what is made, meanwhile.
        var starting = ground.ServeAsync(Port, options.Lanes);
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var codes = await ground.UnitsAsync(coupon, units);
        var customers = await ground.CustomersAsync(Math.Max(1000, units / CodesPerCustomer));
        int[] naiveClients = options.Quick ? [8, 32] : [2, 4, 8, 16, 32, 64, 128];
        int[] informedClients = options.Quick ? [8, 32] : [2, 4, 8, 16, 32, 64];
        var runs = naiveClients.Length + informedClients.Length + 1;
        var theirs = Baseline.CodesFor((runs * single) + (rounds * ((3 * theirSeconds) + single)));
        await ground.ExecuteAsync(Baselines.Schema(theirs));
        await ground.ExecuteAsync(BareBaselines.Schema(theirs));
        await using var server = await starting;
        await using var service = new InProcess(ground, options.Lanes);
        var http = new HttpLoad(Port, server.Key!);
        var naive = new Baseline(ground, "naive", Baselines.Naive);
        var informed = new Baseline(ground, "informed", Baselines.Informed);
        var bare = new Baseline(ground, "naive on bare tables", BareBaselines.Naive);
        var used = 0;
        async Task<double> OursAsync(string name, int callers, double length, bool overHttp)
        {
            var from = used;
            string? Next(int place) => from + place < codes.Length ? codes[from + place] : null;
            var before = ground.Cpu;
            var server0 = server.CpuSeconds;
            var (perSecond, done, refused) = overHttp
                ? await http.RunAsync(Next, customers, callers, length)
                : await service.RunAsync(Next, customers, callers, length);
            used += done + callers;
            Figures.Say(
                $"{name}: {perSecond:F0}/s, {done} done, {refused} refused, {(ground.Cpu - before).Per(done)}, {(server.CpuSeconds - server0) / done * 1e6:F0} µs in the server"
            );
            return refused * 100 <= done && done > 0 && used < codes.Length
                ? perSecond
                : throw new InvalidOperationException(
                    $"{refused} of {done} were refused; {used} of {codes.Length} codes used."
                );
        }

        // Warm, and with tables that have rows: the plans of an empty database are no plans for a used one.
        await OursAsync("warming over HTTP", Callers, single, overHttp: true);
        await server.IdleAsync();
        server.Pause();
        await OursAsync("warming in process", Callers, WarmSeconds, overHttp: false);
        await naive.TuneAsync(naiveClients, single);
        await informed.TuneAsync(informedClients, single);
        await bare.TuneAsync([8], single);
        await ground.SettleAsync();

        List<double> inProcess = [];
        List<double> overHttp = [];
        List<double> alone = [];
        List<double> naiveAlone = [];
        for (var round = 0; round < rounds; round++)
        {
            await ground.ExecuteAsync("checkpoint");
            inProcess.Add(await OursAsync("in process", Callers, seconds, overHttp: false));
            await naive.MeasureAsync(theirSeconds);
            await informed.MeasureAsync(theirSeconds);
            await bare.MeasureAsync(theirSeconds);
            alone.Add(1000 / await OursAsync("one caller", 1, single, overHttp: false));
            naiveAlone.Add((await naive.RunAsync(1, single)).LatencyMs);
            server.Continue();
            await server.IdleAsync();
            overHttp.Add(await OursAsync("over HTTP", Callers, seconds, overHttp: true));
            server.Pause();
        }

        var figures = new Figures();
        figures.AddRatio("in_process_ratio", inProcess, naive.PerSecond);
        figures.AddRatio("http_ratio", overHttp, naive.PerSecond);
        figures.AddRatio("informed_ratio", inProcess, informed.PerSecond);
        figures.AddRatio("single_latency_ratio", alone, naiveAlone);
        figures.Add("in_process_per_second", Figures.Median(inProcess));
        figures.Add("http_per_second", Figures.Median(overHttp));
        figures.Add("naive_per_second", Figures.Median(naive.PerSecond));
        figures.AddRatio("bare_naive_ratio", inProcess, bare.PerSecond);
        figures.Add("bare_naive_per_second", Figures.Median(bare.PerSecond));
        figures.Add("naive_clients", naive.Clients);
        figures.Add("informed_per_second", Figures.Median(informed.PerSecond));
        figures.Add("informed_clients", informed.Clients);
        figures.Add("single_ms", Figures.Median(alone));
        figures.Add("naive_single_ms", Figures.Median(naiveAlone));
        figures.Print();
        return 0;
    }

    /// <summary>The same load on few and on many instances, in two databases of one server, round by round.</summary>
    public static async Task<int> ScaleAsync(Options options)
    {
        var (seconds, rounds) = options.Quick ? (1.5, 3) : (3.0, 3);
        var few = 100_000;
        var many = options.Instances ?? (options.Quick ? 1_000_000 : 10_000_000);
        await using var ground = await Ground.MakeAsync();
        await using var large = await ground.BesideAsync("large");
        var places = new List<Place>();
        foreach (var (where, units) in ((Ground, int)[])[(ground, few), (large, many)])
        {
            var coupon = await where.CouponAsync("BENCH", "unique");
            var needed = (int)((seconds * rounds) + 1) * CeilingPerSecond;
            var codes = await where.UnitsAsync(coupon, units, keep: Math.Min(units, needed));
            var customers = await where.CustomersAsync(Math.Max(1000, codes.Length / CodesPerCustomer));
            await where.SettleAsync();
            places.Add(new Place(where, codes, customers, new InProcess(where, options.Lanes)));
        }

        for (var round = 0; round <= rounds; round++)
        {
            foreach (var place in places)
            {
                await place.MeasureAsync(round == 0 ? 0.5 : seconds, isKept: round > 0);
            }
        }

        foreach (var place in places)
        {
            await place.Service.DisposeAsync();
        }

        var figures = new Figures();
        figures.AddRatio("scale_ratio", places[1].PerSecond, places[0].PerSecond);
        figures.Add("few_instances", few);
        figures.Add("few_per_second", Figures.Median(places[0].PerSecond));
        figures.Add("many_instances", many);
        figures.Add("many_per_second", Figures.Median(places[1].PerSecond));
        figures.Print();
        return 0;
    }

    /// <summary>How the server's memory goes while it redeems over HTTP for minutes.</summary>
    public static async Task<int> MemoryAsync(Options options)
    {
        var length = TimeSpan.FromMinutes(options.Minutes ?? (options.Quick ? 0.5 : 5));
        await using var ground = await Ground.MakeAsync();
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var units = (int)Math.Min(8_000_000, length.TotalSeconds * CeilingPerSecond / 2);
        var codes = await ground.UnitsAsync(coupon, units);
        var customers = await ground.CustomersAsync(units / CodesPerCustomer);
        await ground.SettleAsync();
        await using var server = await ground.ServeAsync(Port, options.Lanes);
        var http = new HttpLoad(Port, server.Key!);
        var samples = new List<double>();
        var used = 0;
        var rates = new List<double>();
        var step = length / 10;
        for (var i = 0; i < 10; i++)
        {
            var from = used;
            string? Next(int place) => from + place < codes.Length ? codes[from + place] : null;
            var (perSecond, done, refused) = await http.RunAsync(Next, customers, Callers, step.TotalSeconds);
            used += done + Callers;
            samples.Add(server.Megabytes);
            rates.Add(perSecond);
            Figures.Say($"{perSecond:F0}/s, {done} done, {refused} refused, {samples[^1]:F0} MB");
        }

        // The first fifth still warms up.
        var figures = new Figures();
        figures.Add("early_megabytes", Figures.Median(samples[2..5]));
        figures.Add("late_megabytes", Figures.Median(samples[7..]));
        figures.Add("most_megabytes", samples.Max());
        figures.Add("growth_ratio", Figures.Median(samples[7..]) / Figures.Median(samples[2..5]));
        figures.Add("http_per_second", Figures.Median(rates));
        figures.Print();
        return 0;
    }

    private sealed class Place(Ground ground, string[] codes, Guid[] customers, InProcess service)
    {
        private int _used;

        public InProcess Service => service;

        public List<double> PerSecond { get; } = [];

        public async Task MeasureAsync(double seconds, bool isKept)
        {
            var from = _used;
            string? Next(int place) => from + place < codes.Length ? codes[from + place] : null;
            var before = ground.Cpu;
            var (perSecond, done, refused) = await service.RunAsync(Next, customers, Callers, seconds);
            _used += done + Callers;
            if (_used >= codes.Length)
            {
                throw new InvalidOperationException("The codes were used up before the time.");
            }

            Figures.Say(
                $"{codes.Length} codes: {perSecond:F0}/s, {refused} refused, {(ground.Cpu - before).Per(done)}"
            );
            if (isKept)
            {
                PerSecond.Add(perSecond);
            }
        }
    }
}
