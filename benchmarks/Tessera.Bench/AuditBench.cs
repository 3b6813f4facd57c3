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
/// What the audit trail and the checks of rights cost: redemptions with and without the sealer, the history of one thing
/// out of the largest log that fits the time, and what the check of a key costs a request over HTTP. Costs are processor
/// time of this process and of PostgreSQL, and not the clock: they are the same however busy the machine is otherwise.
/// </summary>
internal static class AuditBench
{
    private const int Callers = 64;
    private const string Guarded = "/api/v1/bench/guarded";
    private const string Open = "/api/v1/bench/open";

    /// <summary>Redemptions of one run: about half a second, so that the sealer comes by a few times.</summary>
    private const int Each = 4000;

    public static async Task<int> RunAsync(bool quick)
    {
        var (blocks, logEach) = quick ? (10, 20_000) : (30, 100_000);
        await using var ground = await Ground.MakeAsync();
        // Vacuum comes when it wants, and would be charged to whatever runs then.
        await ground.ExecuteAsync("alter system set autovacuum = off");
        await ground.ExecuteAsync("select pg_reload_conf()");
        var coupon = await ground.CouponAsync("BENCH", "unique");
        var codes = await ground.UnitsAsync(coupon, (4 * blocks + 10) * Each + 40_000);
        var customers = await ground.CustomersAsync(codes.Length / 8);
        await ground.SettleAsync();
        var settings = new Settings
        {
            ConnectionString = ground.ConnectionString,
            Port = 0,
            DrainSeconds = 0,
        };
        var figures = new Figures();
        var used = 0;

        // The next so many codes, each once.
        Func<int, string?> Take(int count)
        {
            var from = used;
            used += count;
            return place => place < count && from + place < codes.Length ? codes[from + place] : null;
        }

        await using (var service = new InProcess(ground, settings.Lanes))
        {
            var (sealing, indexing) = (new List<double>(), new List<double>());
            async Task<double> RedeemAsync(bool isSealed)
            {
                var before = ground.Cpu;
                using var stop = new CancellationTokenSource();
                var sealer = isSealed ? FollowAsync(ground, settings, stop.Token) : Task.CompletedTask;
                var (_, done, refused) = await service.RunAsync(Take(Each), customers, Callers, double.MaxValue);
                await stop.CancelAsync();
                await sealer;
                if (isSealed)
                {
                    // What was left over belongs to these redemptions too.
                    await SealAsync(ground, settings);
                }

                var cost = CostOf(ground.Cpu - before, done);
                if (!isSealed)
                {
                    sealing.Add(await CostAsync(ground, done, () => SealAsync(ground, settings)));
                }

                indexing.Add(await CostAsync(ground, done, () => IndexAsync(ground)));
                return refused == 0
                    ? cost
                    : throw new InvalidOperationException($"{refused} of {done} redemptions were refused.");
            }

            // Compiled and warm first.
            for (var round = 0; round < 8; round++)
            {
                await RedeemAsync(round % 2 == 0);
            }

            sealing.Clear();
            indexing.Clear();
            var chain = await Paired.RunAsync(blocks, RedeemAsync);
            Console.WriteLine(chain.Say("The chain"));
            figures.Add("redeem_us_each", chain.Bare);
            figures.Add("chain_us_each", chain.Added);
            figures.Add("chain_cost_percent", chain.LostPercent);
            figures.Add("chain_cost_percent_low", chain.LowPercent);
            figures.Add("chain_cost_percent_high", chain.HighPercent);
            figures.Add("seal_alone_us_each", Figures.Median(sealing));
            figures.Add("index_alone_us_each", Figures.Median(indexing));
        }

        await AskHistoryAsync(ground, settings, logEach, figures);
        await using var app = Host(settings);
        await app.StartAsync();
        var key = await KeyAsync(ground);
        await AuthoriseAsync(app, ground, key, Take, customers, 2 * blocks, figures);
        figures.Print();
        await app.StopAsync();
        return 0;
    }

    /// <summary>The history alone, out of a log of any size: 100 million entries take some 110 GB.</summary>
    public static async Task<int> HistoryAsync(Options options)
    {
        // What is filled in one go need not be written twice; 100 million entries would be another 100 GB.
        await using var ground = await Ground.MakeAsync(options.Keep, "wal_level=minimal", "max_wal_senders=0");
        var settings = new Settings
        {
            ConnectionString = ground.ConnectionString,
            Port = 0,
            DrainSeconds = 0,
        };
        var figures = new Figures();
        var entries = options.Entries ?? (options.Quick ? 480_000 : 2_400_000);
        await AskHistoryAsync(ground, settings, entries / AuditHistory.Chunks, figures);
        figures.Print();
        return 0;
    }

    private static async Task<double> CostAsync(Ground ground, int done, Func<Task> work)
    {
        var before = ground.Cpu;
        await work();
        return CostOf(ground.Cpu - before, done);
    }

    /// <summary>Processor time of one operation, here and in PostgreSQL, in microseconds.</summary>
    private static double CostOf(Cpu cpu, int done) => (cpu.OwnSeconds + cpu.ServerSeconds) / done * 1e6;

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
    private static async Task AuthoriseAsync(
        WebApplication app,
        Ground ground,
        string key,
        Func<int, Func<int, string?>> take,
        Guid[] customers,
        int blocks,
        Figures figures
    )
    {
        const int requests = 4000;
        var port = AddressOf(app).Port;
        var (guarded, open) = (new HttpLoad(port, key, Guarded), new HttpLoad(port, key, Open));
        static string? Nothing(int place) => place < requests ? "NOTHING" : null;
        Task<double> AskAsync(bool isChecked) => MeasureAsync(ground, isChecked ? guarded : open, Nothing, customers);
        for (var round = 0; round < 4; round++)
        {
            await AskAsync(round % 2 == 0);
        }

        var check = await Paired.RunAsync(blocks, AskAsync);
        Console.WriteLine(check.Say("The check of the key, on a route that does nothing,"));
        var redeem = new HttpLoad(port, key);
        await MeasureAsync(ground, redeem, take(2 * Each), customers);
        var whole = new double[3];
        for (var round = 0; round < whole.Length; round++)
        {
            whole[round] = await MeasureAsync(ground, redeem, take(2 * Each), customers);
        }

        var bare = Figures.Median(whole) - check.Added;
        Figures.Say($"a redemption over HTTP without it costs {bare:F0} µs, its caller included");
        figures.Add("check_us_each", check.Added);
        figures.Add("authorisation_cost_percent", 100 * check.Added / bare);
        figures.Add("authorisation_cost_percent_low", 100 * check.Low / bare);
        figures.Add("authorisation_cost_percent_high", 100 * check.High / bare);
    }

    /// <summary>Processor time of a request, its caller's included.</summary>
    private static async Task<double> MeasureAsync(
        Ground ground,
        HttpLoad load,
        Func<int, string?> codes,
        Guid[] customers
    )
    {
        var before = ground.Cpu;
        var (_, done, refused) = await load.RunAsync(codes, customers, Callers, double.MaxValue);
        return refused == 0
            ? CostOf(ground.Cpu - before, done)
            : throw new InvalidOperationException($"{refused} of {done} requests were refused.");
    }

    /// <summary>How long the history of one thing takes, in a database of its own.</summary>
    private static async Task AskHistoryAsync(Ground ground, Settings settings, int each, Figures figures)
    {
        await using var beside = await ground.BesideAsync("history");
        figures.Add("history_entries", await AuditHistory.FillAsync(beside, each));
        figures.Add("history_chunks", AuditHistory.Chunks);
        await using var app = Host(settings with { ConnectionString = beside.ConnectionString });
        await app.StartAsync();
        var before = beside.Cpu;
        var (times, blocks) = await AuditHistory.AskAsync(AddressOf(app), await KeyAsync(beside), beside, each);
        Figures.Say($"processor time of a history: {(beside.Cpu - before).Per(AuditHistory.Asked)}");
        figures.Add("history_p50_ms", Figures.Percentile(times, 0.5));
        figures.Add("history_p95_ms", Figures.Percentile(times, 0.95));
        figures.Add("history_blocks_each", blocks);
        var searches = await AuditHistory.SearchAsync(AddressOf(app), await KeyAsync(beside), each);
        figures.Add("search_p50_ms", Figures.Percentile(searches, 0.5));
        figures.Add("search_p95_ms", Figures.Percentile(searches, 0.95));
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

    /// <summary>Seals as a node does, until it is told to stop.</summary>
    private static async Task FollowAsync(Ground ground, Settings settings, CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            await SealAsync(ground, settings);
            await Task.Delay(TimeSpan.FromMilliseconds(250), stop).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private static async Task SealAsync(Ground ground, Settings settings)
    {
        var sealer = new Sealer(ground.Database, settings, TimeProvider.System, NullLogger<Sealer>.Instance);
        await sealer.SealAsync(CancellationToken.None);
    }

    private static async Task IndexAsync(Ground ground)
    {
        var indexer = new Indexer(ground.Database, TimeProvider.System, NullLogger<Indexer>.Instance);
        while (await indexer.RunOnceAsync(CancellationToken.None))
        {
            // Until nothing is left.
        }
    }
}
