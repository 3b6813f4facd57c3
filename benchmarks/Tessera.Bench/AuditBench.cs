using System.Collections.Frozen;
using System.Diagnostics;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Platform.Http;

namespace Tessera.Bench;

/// <summary>
/// What the audit trail and the checks of rights cost: redemptions with and without the sealer (and the indexer), the
/// history of one thing out of the largest log that fits the time, and redemptions over HTTP with and without the check of
/// the key. Each pair alternates in one run.
/// </summary>
internal static class AuditBench
{
    private const int Callers = 64;
    private const int Questions = 400;
    private const int ChunkSize = 100_000;

    public static async Task<int> RunAsync(bool quick)
    {
        var (units, rounds, seconds, logSeconds) = quick ? (400_000, 3, 2.0, 8) : (1_500_000, 6, 4.0, 60);
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
            var chain = new List<double>();
            var index = new List<double>();
            for (var round = 0; round < rounds; round++)
            {
                var (rates, each) = (new double[3], new double[3]);
                // Another one begins each round, so that none always meets the warmest cache.
                foreach (var way in Enumerable.Range(round, 3).Select(static n => n % 3))
                {
                    await CatchUpAsync(ground, settings, index: true);
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
                }

                Figures.Say($"bare {rates[0]:F0}/s, sealed {rates[1]:F0}/s, sealed and indexed {rates[2]:F0}/s");
                Figures.Say($"µs each: bare {each[0]:F0}, sealed {each[1]:F0}, sealed and indexed {each[2]:F0}");
                chain.Add(Lost(each[0], each[1]));
                index.Add(Lost(each[0], each[2]));
            }

            figures.Add("chain_cost_percent", Figures.Median(chain));
            figures.Add("chain_and_index_cost_percent", Figures.Median(index));
        }

        var entries = await GrowAsync(ground, settings, logSeconds);
        figures.Add("history_entries", entries);
        await using var app = Host(settings);
        await app.StartAsync();
        var address = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        var key = await KeyAsync(ground);
        var times = await AskAsync(address, key, ground);
        figures.Add("history_p50_ms", Figures.Percentile(times, 0.5));
        figures.Add("history_p95_ms", Figures.Percentile(times, 0.95));

        var guarded = new HttpLoad(address.Port, key);
        var open = new HttpLoad(address.Port, Open);
        from += (await guarded.RunAsync(Next, customers, Callers, 1)).Done + Callers;
        var costs = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var (rates, each) = (new double[2], new double[2]);
            foreach (var way in round % 2 == 0 ? (int[])[0, 1] : [1, 0])
            {
                var before = ground.Cpu;
                var (rate, done, refused) = await (way == 0 ? open : guarded).RunAsync(
                    Next,
                    customers,
                    Callers,
                    seconds
                );
                from += done + Callers;
                rates[way] = rate;
                each[way] = CostOf(ground.Cpu - before, done);
                if (refused > 0)
                {
                    Figures.Say($"{refused} of {done} were refused");
                }
            }

            Figures.Say($"HTTP open {rates[0]:F0}/s, with key check {rates[1]:F0}/s");
            Figures.Say($"µs each: open {each[0]:F0}, with key check {each[1]:F0}");
            costs.Add(Lost(each[0], each[1]));
        }

        figures.Add("authorisation_cost_percent", Figures.Median(costs));
        figures.Print();
        await app.StopAsync();
        return 0;
    }

    private const string Open = "open";

    /// <summary>Processor time of one operation, here and in PostgreSQL, in microseconds.</summary>
    private static double CostOf(Cpu cpu, int done) => (cpu.OwnSeconds + cpu.ServerSeconds) / done * 1e6;

    /// <summary>
    /// The share of throughput a full machine loses when an operation costs so much more, in percent. Processor time, and
    /// not the clock: the figure is the same however busy the machine is otherwise.
    /// </summary>
    private static double Lost(double bare, double charged) => 100 * (1 - bare / charged);

    /// <summary>
    /// The whole service, and beside it the same routes without the check of keys, for requests that say so. Only here:
    /// the service itself has no such door.
    /// </summary>
    private static WebApplication Host(Settings settings)
    {
        WebApplication? app = null;
        app = TesseraHost.Build(
            settings,
            builder =>
            {
                builder.Logging.SetMinimumLevel(LogLevel.Error);
                builder.Services.AddSingleton<IStartupFilter>(new OpenDoor(() => app!));
            }
        );
        return app;
    }

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

    /// <summary>Writes, seals and indexes events like those of redemptions, for as long as it may take.</summary>
    private static async Task<long> GrowAsync(Ground ground, Settings settings, int seconds)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            await ground.ExecuteAsync(
                $$"""
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'instance', (random() * 1000000)::bigint::text, 'coupon.state_changed', n,
                    'key:' || md5((n % 100)::text)::uuid, jsonb_build_object('from', 'issued', 'to', 'redeemed',
                    'cause', 'redemption', 'coupon_id', n % 1000, 'customer_id', md5((random() * 300000)::int::text)::uuid,
                    'redemption_id', gen_random_uuid(), 'order_minor', 5000, 'discount_minor', 500, 'currency', 'USD'),
                    clock_timestamp()
                from generate_series(1, {{ChunkSize}}) n
                """
            );
            await CatchUpAsync(ground, settings, index: true);
        }

        await ground.ExecuteAsync("vacuum analyze");
        return await ground.ScalarAsync<long>("select seq from audit.indexed");
    }

    /// <summary>Reads histories of units, customers and coupons over HTTP.</summary>
    private static async Task<double[]> AskAsync(Uri address, string key, Ground ground)
    {
        var customers = await ground.ScalarAsync<string[]>(
            "select array_agg(md5(n::text)::uuid::text) from generate_series(1, 200) n"
        );
        using var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var times = new double[Questions];
        for (var i = -20; i < Questions; i++)
        {
            var n = i + 20;
            var thing = (n % 3) switch
            {
                0 => "instance/" + n * 997 % 1_000_000,
                1 => "customer/" + customers[n % customers.Length],
                _ => "coupon/" + n * 31 % 1000,
            };
            var clock = Stopwatch.StartNew();
            using var answer = await client.GetAsync(new Uri("/api/v1/audit/history/" + thing, UriKind.Relative));
            await answer.Content.ReadAsByteArrayAsync();
            answer.EnsureSuccessStatusCode();
            if (i >= 0)
            {
                times[i] = clock.Elapsed.TotalMilliseconds;
            }
        }

        return times;
    }

    private sealed class OpenDoor(Func<WebApplication> app) : IStartupFilter
    {
        private static readonly Caller Everyone = new(
            Guid.Empty,
            null,
            null,
            Permissions.All.ToFrozenSet(StringComparer.Ordinal)
        );

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) =>
            builder =>
            {
                builder.UseWhen(
                    static context => context.Request.Headers.Authorization == "Bearer " + Open,
                    branch =>
                    {
                        branch.UseMiddleware<Entry>();
                        branch.UseRouting();
                        branch.Use(
                            static (context, run) =>
                            {
                                context.Response.Headers.CacheControl = "no-store";
                                context.Features.Set(Everyone);
                                return run(context);
                            }
                        );
                        branch.UseMiddleware<ReadLog>();
                        branch.UseEndpoints(routes =>
                        {
                            foreach (var source in ((IEndpointRouteBuilder)app()).DataSources)
                            {
                                routes.DataSources.Add(source);
                            }
                        });
                    }
                );
                next(builder);
            };
    }
}
