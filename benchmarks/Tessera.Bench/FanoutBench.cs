using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Bench.Partners;
using Tessera.Server;
using Tessera.Server.Access;
using Tessera.Server.Connectors;
using Tessera.Server.Platform;

namespace Tessera.Bench;

/// <summary>
/// A million coupons that end in the same second, told to a hundred partners of which twenty are sick: how long the
/// healthy ones wait, with the twenty sick and with all of them well; and that nothing is lost or has its effect twice.
/// </summary>
/// <remarks>
/// Of the partners, 40 are told low-water marks and hear of every coupon; 40 take batches and hear of a tenth; 20 take
/// single commands and hear of a small merchant each. One in five of each is sick, in eight ways.
/// </remarks>
internal static class FanoutBench
{
    private const int Partners = 100;
    private const int LargeMerchants = 98;
    private const int SmallMerchants = 20;
    private const long FirstId = 1_000_000;

    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(4);

    private static readonly Behaviour[] Sick =
    [
        Behaviour.Slow,
        Behaviour.Throttling,
        Behaviour.Failing,
        Behaviour.Garbage,
        Behaviour.Endless,
        Behaviour.Dead,
        Behaviour.Flapping,
        Behaviour.Dropping,
    ];

    /// <summary>Prints one JSON object.</summary>
    public static async Task<int> RunAsync(bool quick)
    {
        var scale = quick ? 10 : 1;
        // The first run of a process compiles as it goes.
        await using var server = await Ground.MakeAsync();
        _ = await RunAsync(server, 100, withSick: false, "warm");
        List<Run> alone = [await RunAsync(server, scale, withSick: false, "well_1")];
        List<Run> beside = [await RunAsync(server, scale, withSick: true, "sick_1")];
        if (!quick)
        {
            // In turn, so that a machine that gets slower or faster meanwhile does so for both.
            beside.Add(await RunAsync(server, scale, withSick: true, "sick_2"));
            alone.Add(await RunAsync(server, scale, withSick: false, "well_2"));
        }

        foreach (var (name, runs) in (ReadOnlySpan<(string, List<Run>)>)[("all well", alone), ("20 sick", beside)])
        {
            runs.ForEach(run => Figures.Say($"{name}: healthy p99 {run.P99:F2} s, last {run.Last:F2} s"));
        }

        var (well, sick) = (alone.Average(static r => r.P99), beside.Average(static r => r.P99));
        var figures = new Figures();
        figures.Add("coupons", 1_000_000 / scale);
        figures.Add("partners", Partners);
        figures.Add("sick", beside[0].Sick);
        figures.Add("healthy_p99_seconds", sick);
        figures.Add("all_well_p99_seconds", well);
        figures.Add("sick_over_healthy", sick / Math.Max(well, 0.001));
        figures.Add("healthy_last_seconds", beside.Max(static r => r.Last));
        figures.Add("single_last_seconds", beside.Max(static r => r.SingleLast));
        figures.Add("told", beside.Sum(static r => r.Told));
        figures.Add("manual_commands", beside.Sum(static r => r.Manual));
        figures.Add("lost", alone.Concat(beside).Sum(static r => r.Lost));
        figures.Add("applied_twice", alone.Concat(beside).Sum(static r => r.Twice));
        figures.Add("verify_faults", alone.Concat(beside).Sum(static r => r.Faults));
        figures.Print();
        return 0;
    }

    private static async Task<Run> RunAsync(Ground server, int scale, bool withSick, string name)
    {
        await using var ground = await server.BesideAsync(name);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await using var simulator = await PartnerSimulator.StartAsync();
        var settings = new Settings
        {
            ConnectionString = ground.ConnectionString,
            Port = 0,
            DrainSeconds = 0,
            EgressAllow = [IPNetwork.Parse("127.0.0.0/8")],
        };
        await using var app = TesseraHost.Build(
            settings,
            static builder => builder.Logging.SetMinimumLevel(LogLevel.Critical)
        );
        await app.StartAsync();
        var world = await World.MakeAsync(app, simulator, scale, withSick);
        await ground.SettleAsync();

        var ends = await world.AppendAsync(app.Services.GetRequiredService<Database>());
        await WaitAsync(ground);
        var figures = await world.MeasureAsync(ground, ends);
        await app.StopAsync();
        Figures.Say($"run {name}: {clock.Elapsed.TotalSeconds:F0} s until nothing waited");
        return figures with { Faults = await ExpiryBench.VerifyAsync(ground) };
    }

    /// <summary>Until no command waits any more: told, or in the manual queue.</summary>
    private static async Task WaitAsync(Ground ground)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (
            await ground.ScalarAsync<long>("select count(*) from connectors.command where state in ('pending', 'sent')")
                is > 0
                    and var open
        )
        {
            if (clock.Elapsed > LongestRun)
            {
                throw new InvalidOperationException($"{open} commands are neither told nor given up.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }
    }

    private sealed record Run(
        int Sick,
        double P99,
        double Last,
        double SingleLast,
        long Told,
        long Manual,
        long Lost,
        long Twice,
        int Faults = 0
    );

    private sealed record Place(Guid Id, string Encoding, bool IsSick, int[] Merchants, SimulatedPartner Partner);

    private sealed class World(int scale, Guid[] merchants, List<Place> places)
    {
        public static async Task<World> MakeAsync(
            WebApplication app,
            PartnerSimulator simulator,
            int scale,
            bool withSick
        )
        {
            var address = app
                .Services.GetRequiredService<IServer>()
                .Features.Get<IServerAddressesFeature>()!
                .Addresses.First();
            var key = await ApiKeys.BootstrapAsync(app.Services.GetRequiredService<Database>(), default);
            using var client = new HttpClient { BaseAddress = new Uri(address) };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            Guid[] merchants =
            [
                .. Enumerable.Range(0, LargeMerchants + SmallMerchants).Select(static _ => Guid.CreateVersion7()),
            ];
            var places = new List<Place>();
            for (var i = 0; i < Partners; i++)
            {
                var isSick = i % 5 == 4;
                var encoding =
                    i < 40 ? "watermark"
                    : i < 80 ? "batch"
                    : "single";
                int[] of = encoding switch
                {
                    "watermark" => [.. Enumerable.Range(0, merchants.Length)],
                    "batch" => [.. Enumerable.Range(0, 10).Select(n => (i * 7 + n) % LargeMerchants)],
                    _ => [LargeMerchants + i - 80],
                };
                var behaviour = isSick && withSick ? Sick[i / 5 % Sick.Length] : Behaviour.Healthy;
                var partner = simulator.Add("p" + i, behaviour);
                using var made = await client.PostAsJsonAsync(
                    "/api/v1/connectors",
                    new
                    {
                        name = "Partner " + i,
                        kind = "partner_rest",
                        address = partner.Address,
                        encoding,
                        merchants = encoding == "watermark" ? null : of.Select(n => merchants[n]).ToArray(),
                        batch_size = 10_000,
                        timeout_seconds = 5,
                        manual_after_seconds = scale > 1 ? 15 : 30,
                    }
                );
                made.EnsureSuccessStatusCode();
                var json = await made.Content.ReadFromJsonAsync<JsonElement>();
                places.Add(new Place(json.GetProperty("id").GetGuid(), encoding, isSick, of, partner));
            }

            return new World(scale, merchants, places);
        }

        /// <summary>All end at one instant, a little ahead, and their commands are ready before.</summary>
        public async Task<DateTimeOffset> AppendAsync(Database database)
        {
            await using var work = await database.BeginAsync(default);
            var ends = (await work.ClockAsync(default)).AddSeconds(5);
            await CommandStream.AppendAsync(
                work,
                [
                    .. Enumerable
                        .Range(0, merchants.Length)
                        .Select(m => new CommandBatch(
                            CommandKind.Disable,
                            merchants[m],
                            null,
                            CommandBatch.Instance,
                            [.. IdsOf(m)],
                            ends
                        )),
                ],
                default
            );
            await work.CommitAsync(default);
            if (TimeProvider.System.GetUtcNow() >= ends)
            {
                throw new InvalidOperationException("The commands were not ready before the end.");
            }

            return ends;
        }

        public async Task<Run> MeasureAsync(Ground ground, DateTimeOffset ends)
        {
            var waits = new List<(double Seconds, long Count)>();
            var (lost, twice, told) = (0L, 0L, 0L);
            var singleLast = 0.0;
            foreach (var place in places)
            {
                var isMark = place.Encoding == "watermark";
                var excused = await ManualAsync(ground, place.Id);
                var wanted = place.Merchants.SelectMany(IdsOf);
                if (isMark)
                {
                    // A mark tells of all at once, or of none.
                    var isTold = place.Partner.Marked.Mark >= ends.AddTicks(-ends.Ticks % 10);
                    told += isTold ? wanted.LongCount() : 0;
                    lost += isTold ? 0 : wanted.LongCount(id => !excused.Contains(id));
                }
                else
                {
                    foreach (var id in wanted)
                    {
                        var isTold = place.Partner.HasApplied(id);
                        told += isTold ? 1 : 0;
                        lost += isTold || excused.Contains(id) ? 0 : 1;
                    }

                    twice += place.Partner.Count().Twice;
                }

                if (place.IsSick)
                {
                    continue;
                }

                List<(double, long)> own = isMark
                    ? [((place.Partner.Marked.At - ends).TotalSeconds, wanted.LongCount())]
                    : [.. place.Partner.Effects.Select(e => ((e.At - ends).TotalSeconds, (long)e.Count))];
                if (place.Encoding == "single")
                {
                    singleLast = Math.Max(singleLast, own.Max(static o => o.Item1));
                }
                else
                {
                    waits.AddRange(own);
                }
            }

            var manual = await ground.ScalarAsync<long>(
                "select count(*) from connectors.command where state = 'manual'"
            );
            return new Run(
                places.Count(static p => p.IsSick),
                P99(waits),
                waits.Max(static w => w.Seconds),
                singleLast,
                told,
                manual,
                lost,
                twice
            );
        }

        /// <summary>Coupons of the manual queue: people know of them.</summary>
        private static async Task<HashSet<long>> ManualAsync(Ground ground, Guid connector)
        {
            await using var command = ground.Owner.CreateCommand(
                """
                select coupon.id from connectors.task t
                join connectors.command c on c.connector_id = t.connector_id and c.position = t.position
                join connectors.batch b on b.id = c.batch_id
                cross join lateral unnest(coalesce(t.ids, b.ids[c.done + 1 :])) as coupon (id)
                where t.connector_id = $1 and t.state = 'open'
                """
            );
            command.Parameters.Add(new() { Value = connector });
            var ids = new HashSet<long>();
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                ids.Add(rows.GetInt64(0));
            }

            return ids;
        }

        private static double P99(List<(double Seconds, long Count)> waits)
        {
            waits.Sort();
            var beyond = waits.Sum(static w => w.Count) * 99 / 100;
            foreach (var (seconds, count) in waits)
            {
                beyond -= count;
                if (beyond <= 0)
                {
                    return seconds;
                }
            }

            return waits[^1].Seconds;
        }

        private IEnumerable<long> IdsOf(int merchant)
        {
            var large = 10_000 / scale;
            var small = 1_000 / scale;
            var first =
                merchant < LargeMerchants
                    ? (long)merchant * large
                    : LargeMerchants * (long)large + (merchant - LargeMerchants) * (long)small;
            var count = merchant < LargeMerchants ? large : small;
            for (var i = 0; i < count; i++)
            {
                yield return FirstId + first + i;
            }
        }
    }
}
