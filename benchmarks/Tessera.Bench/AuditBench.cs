using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server;
using Tessera.Server.Access;
using Tessera.Server.Audit;

namespace Tessera.Bench;

/// <summary>
/// What the audit trail and the checks of rights cost: redemptions with and without the sealer (and the indexer), the
/// history of one thing out of the largest log that fits the time, and what the check of a key costs
/// a request over HTTP. Each pair alternates in one run.
/// </summary>
internal static class AuditBench
{
    private const int Callers = 64;
    private const string Guarded = "/api/v1/bench/guarded";
    private const string Open = "/api/v1/bench/open";

    public static async Task<int> RunAsync(bool quick)
    {
        var (units, rounds, seconds, logEach) = quick ? (400_000, 3, 2.0, 20_000) : (1_500_000, 6, 4.0, 400_000);
        await using var ground = await Ground.MakeAsync();
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var codes = await ground.UnitsAsync(coupon, units);
        var customers = await ground.CustomersAsync(20_000);
        await ground.SettleAsync();
        var settings = new Settings
        {
            ConnectionString = ground.ConnectionString,
            Port = 0,
            DrainSeconds = 0,
        };
        var figures = new Figures();
        var from = 0;
        string? Next(int place) => from + place < codes.Length ? codes[from + place] : null;

        await using (var service = new InProcess(ground, settings.Lanes))
        {
            from += (await service.RunAsync(Next, customers, Callers, 1)).Done + Callers;
            var (chain, alone) = (new List<double>(), new List<double>());
            var index = new List<double>();
            for (var round = 0; round < rounds; round++)
            {
                var (rates, each) = (new double[3], new double[3]);
                // Another one begins each round, so that none always meets the warmest cache.
                foreach (var way in Enumerable.Range(round, 3).Select(static n => n % 3))
                {
                    await ground.ExecuteAsync("checkpoint");
                    var before = ground.Cpu;
                    using var stop = new CancellationTokenSource();
                    var workers = FollowAsync(ground, settings, way, stop.Token);
                    var (rate, done, _) = await service.RunAsync(Next, customers, Callers, seconds);
                    await stop.CancelAsync();
                    await workers;
                    if (way > 0)
                    {
                        // What was left over belongs to these redemptions too.
                        await CatchUpAsync(ground, settings, index: way == 2);
                    }

                    from += done + Callers;
                    rates[way] = rate;
                    each[way] = CostOf(ground.Cpu - before, done);
                    before = ground.Cpu;
                    await CatchUpAsync(ground, settings, index: false);
                    if (way == 0)
                    {
                        alone.Add(CostOf(ground.Cpu - before, done));
                    }

                    await CatchUpAsync(ground, settings, index: true);
                }

                Figures.Say($"bare {rates[0]:F0}/s, sealed {rates[1]:F0}/s, sealed and indexed {rates[2]:F0}/s");
                Figures.Say($"µs each: bare {each[0]:F0}, sealed {each[1]:F0}, sealed and indexed {each[2]:F0}");
                chain.Add(Lost(each[0], each[1]));
                index.Add(Lost(each[0], each[2]));
            }

            figures.Add("chain_cost_percent", Figures.Median(chain));
            figures.Add("seal_alone_us_each", Figures.Median(alone));
            figures.Add("chain_and_index_cost_percent", Figures.Median(index));
        }

        await AskHistoryAsync(ground, settings, logEach, figures);
        await using var app = Host(settings);
        await app.StartAsync();
        var key = await KeyAsync(ground);
        var address = AddressOf(app);
        figures.Add("authorisation_cost_percent", await AuthoriseAsync(app, ground, key, Next, customers, seconds));
        figures.Print();
        await app.StopAsync();
        return 0;
    }

    /// <summary>Processor time of one operation, here and in PostgreSQL, in microseconds.</summary>
    private static double CostOf(Cpu cpu, int done) => (cpu.OwnSeconds + cpu.ServerSeconds) / done * 1e6;

    /// <summary>
    /// The share of throughput a full machine loses when an operation costs so much more, in percent. Processor time, and
    /// not the clock: the figure is the same however busy the machine is otherwise.
    /// </summary>
    private static double Lost(double bare, double charged) => 100 * (1 - bare / charged);

    /// <summary>The whole service, and beside it a route that does nothing, once behind the check of the key and once open.</summary>
    private static WebApplication Host(Settings settings)
    {
        var app = TesseraHost.Build(settings, static builder => builder.Logging.SetMinimumLevel(LogLevel.Error));
        app.MapPost(Guarded, Nothing).RequirePermission(Permissions.RedemptionsRedeem);
        app.MapPost(Open, Nothing).OpenToEveryone();
        return app;
    }

    private static Task Nothing(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    /// <summary>
    /// Processor time of the check, from a route that does nothing else, as a share of that of a redemption over HTTP: the
    /// check costs a few microseconds, which no two runs of redemptions agree to.
    /// </summary>
    private static async Task<double> AuthoriseAsync(
        WebApplication app,
        Ground ground,
        string key,
        Func<int, string?> codes,
        Guid[] customers,
        double seconds
    )
    {
        const int rounds = 12;
        var port = AddressOf(app).Port;
        var (guarded, open) = (new HttpLoad(port, key, Guarded), new HttpLoad(port, key, Open));
        var redeem = new HttpLoad(port, key);
        await MeasureAsync(ground, guarded, static _ => "NOTHING", customers, 1);
        await MeasureAsync(ground, open, static _ => "NOTHING", customers, 1);
        var costs = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var each = new double[2];
            foreach (var way in round % 2 == 0 ? (int[])[0, 1] : [1, 0])
            {
                each[way] = await MeasureAsync(
                    ground,
                    way == 0 ? open : guarded,
                    static _ => "NOTHING",
                    customers,
                    0.4
                );
            }

            costs.Add(each[1] - each[0]);
        }

        var whole = await MeasureAsync(ground, redeem, codes, customers, seconds);
        var check = Figures.Median(costs);
        Figures.Say($"µs each: the check of the key {check:F1}, a redemption over HTTP with it {whole:F0}");
        return 100 * check / (whole - check);
    }

    /// <summary>Processor time of a request, its caller's included.</summary>
    private static async Task<double> MeasureAsync(
        Ground ground,
        HttpLoad load,
        Func<int, string?> codes,
        Guid[] customers,
        double seconds
    )
    {
        var before = ground.Cpu;
        var (_, done, refused) = await load.RunAsync(codes, customers, Callers, seconds);
        if (refused > 0)
        {
            Figures.Say($"{refused} of {done} were refused");
        }

        return CostOf(ground.Cpu - before, done);
    }

    /// <summary>How long the history of one thing takes, in a database of its own.</summary>
    private static async Task AskHistoryAsync(Ground ground, Settings settings, int each, Figures figures)
    {
        await using var beside = await ground.BesideAsync("history");
        figures.Add("history_entries", await AuditHistory.FillAsync(beside, each));
        figures.Add("history_chunks", AuditHistory.Chunks);
        await using var app = Host(settings with { ConnectionString = beside.ConnectionString });
        await app.StartAsync();
        await AuditHistory.AskAsync(AddressOf(app), await KeyAsync(beside), beside, each);
        var before = beside.Cpu;
        var (times, blocks) = await AuditHistory.AskAsync(AddressOf(app), await KeyAsync(beside), beside, each);
        Figures.Say($"processor time of a history: {(beside.Cpu - before).Per(times.Length)}");
        figures.Add("history_p50_ms", Figures.Percentile(times, 0.5));
        figures.Add("history_p95_ms", Figures.Percentile(times, 0.95));
        figures.Add("history_blocks_each", blocks);
        await app.StopAsync();
    }

    private static Uri AddressOf(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static async Task<string> KeyAsync(Ground ground)
    {
        await using var work = await ground.Database.BeginAsync(default);
        var wanted = new NewApiKey("Bench", [.. Permissions.All], "job:bench");
        var (_, key) = await ApiKeys.CreateAsync(work, wanted, "bench", default);
        await work.CommitAsync(default);
        return key;
    }

    /// <summary>Runs sealer and indexer as a node does, until it is told to stop.</summary>
    private static async Task FollowAsync(Ground ground, Settings settings, int way, CancellationToken stop)
    {
        if (way == 0)
        {
            return;
        }

        var sealer = new Sealer(ground.Database, settings, TimeProvider.System, NullLogger<Sealer>.Instance);
        var indexer = new Indexer(ground.Database, TimeProvider.System, NullLogger<Indexer>.Instance);
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            await sealer.SealAsync(CancellationToken.None);
            while (way == 2 && !stop.IsCancellationRequested && await indexer.RunOnceAsync(CancellationToken.None))
            {
                // One step after the other, for as long as there are whole ones.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), CancellationToken.None);
        }
    }

    private static async Task CatchUpAsync(Ground ground, Settings settings, bool index)
    {
        var sealer = new Sealer(ground.Database, settings, TimeProvider.System, NullLogger<Sealer>.Instance);
        var indexer = new Indexer(ground.Database, TimeProvider.System, NullLogger<Indexer>.Instance);
        await sealer.SealAsync(default);
        while (index && await indexer.RunOnceAsync(default))
        {
            // Until nothing is left.
        }
    }
}
