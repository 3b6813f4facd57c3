using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Redemptions.Backtests;
using Tessera.Server.Replay;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

[Collection(PostgresCollection.Name)]
public sealed class BacktestTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string TenFrom300 = """
        {"name": "Ten percent from 300.00", "currency": "GBP", "conditions": {"subtotal": {"amount": 30000}},
         "effects": [{"type": "percent", "target": "order", "percent": 10}]}
        """;

    private const string FiveOnce = """
        {"name": "Five off once", "currency": "GBP", "conditions": {"subtotal": {"amount": 5000}},
         "max_uses_per_user": 1, "effects": [{"type": "fixed", "target": "order", "amount": 500}]}
        """;

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Drafts_over_a_part_of_the_real_orders_come_to_the_figures_computed_from_its_lines()
    {
        var directory = Path.Combine(AppContext.BaseDirectory, "online-retail");
        Assert.Equal(Part.Orders, await OnlineRetailCarts.StoreAsync(_host.Database.Database, directory, default));
        Assert.Equal(0, await OnlineRetailCarts.StoreAsync(_host.Database.Database, directory, default));
        var ten = await Backtesting.RunAsync(_host.Database.Database, TenFrom300, OnlineRetailCarts.Source, default);
        Assert.Equal((Part.TenTakers, Part.TenCost), ten);
        var five = await Backtesting.RunAsync(_host.Database.Database, FiveOnce, OnlineRetailCarts.Source, default);
        Assert.Equal((Part.FiveTakers, Part.FiveTakers * 500), five);
    }

    [Fact]
    public async Task A_back_test_that_was_stopped_goes_on_where_it_was_and_gives_nothing_twice()
    {
        // Whoever comes first takes what was stopped, and that is to be the test.
        await _host.Services.GetServices<IHostedService>().OfType<BacktestWorker>().Single().StopAsync(default);
        var directory = Path.Combine(AppContext.BaseDirectory, "online-retail");
        await OnlineRetailCarts.StoreAsync(_host.Database.Database, directory, default);
        await _host.Database.ExecuteAsync(
            """
            insert into redemptions.placed_order (id, source, client_id, reference, currency, subtotal_minor, discount_minor,
                total_minor, cart, placed_at)
            select gen_random_uuid(), source, client_id, reference || '-' || n, currency, subtotal_minor, 0, total_minor, cart,
                placed_at + n * interval '1 day'
            from redemptions.placed_order, generate_series(1, 9) n
            """
        );
        var whole = await Backtesting.RunAsync(_host.Database.Database, FiveOnce, OnlineRetailCarts.Source, default);
        var body = Encoding.UTF8.GetBytes(
            $$"""{"promotion": {{FiveOnce}}, "currency": "GBP", "from": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}"""
        );
        var (operation, _) = await Backtesting.CreateAsync(_host.Database.Database, body, default);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Backtesting.RunAsync(_host.Database.Database, operation!, _ => stop.Cancel(), stop.Token)
        );
        await _host.Database.ExecuteAsync(
            "update platform.operation set leased_until = null where id = $1",
            operation!.Id
        );
        var taken = await Backtesting.TakeAsync(_host.Database.Database, operation.Id, default);
        Assert.InRange(taken!.Done, 1, taken.Total!.Value - 1);
        var result = await Backtesting.RunAsync(_host.Database.Database, taken, null, default);
        using var json = JsonDocument.Parse(result!);
        Assert.Equal(whole.Takers, json.RootElement.GetProperty("figures").GetProperty("takers").GetInt64());
        using var lines = new MemoryStream();
        await OperationStore.CopyChunksAsync(_host.Database.Database, taken.Id, "output", lines, default);
        Assert.Equal(whole.Takers, Encoding.UTF8.GetString(lines.ToArray()).Count(c => c == '\n'));
    }

    [Fact]
    public async Task A_draft_for_segments_meets_their_customers_and_one_that_asks_for_unknown_ones_is_refused()
    {
        var (given, shop) = (new Catalogue(_host.Database), new Shop(_host));
        var (listed, other) = (await given.CustomerAsync(), await given.CustomerAsync());
        foreach (var (reference, customer) in (IEnumerable<(string, Guid)>)[("1", listed), ("2", other), ("3", listed)])
        {
            Assert.Equal(201, (await shop.RedeemAsync(reference, customer, [])).Status);
        }

        // Made after the orders: a back-test asks what the draft would have met, not what was there then.
        var list = (await _host.PostAsync("/api/v1/segments", new { name = "Friends" }))
            .Json.GetProperty("id")
            .GetString()!;
        await _host.PostAsync($"/api/v1/segments/{list}/members", new { customer_ids = new[] { listed } });
        var again = (
            await _host.PostAsync(
                "/api/v1/segments",
                new { name = "Come again", rule = new { attributes = new[] { new { name = "orders", min = 1 } } } }
            )
        )
            .Json.GetProperty("id")
            .GetString()!;
        Assert.Equal(2, await TakersAsync(Asks("segments", list)));

        // At the first of his orders he had none before.
        Assert.Equal(1, await TakersAsync(Asks("segments", again)));

        // The same of categories: what lies above those of a line is what lies there now.
        await _host.PostAsync(
            "/api/v1/orders/redemptions",
            """
            {"reference":"boots","currency":"USD",
             "lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1,"categories":["boots"]}]}
            """
        );
        const string shoes = "\"contains\": {\"categories\": [\"shoes\"]}";
        Assert.Equal(0, await TakersAsync(shoes));
        var placed = await _host.SendAsync(
            HttpMethod.Put,
            "/api/v1/categories",
            """{"categories":[{"name":"boots","parent":"shoes"}]}""",
            headers: new Dictionary<string, string> { ["If-Match"] = "\"0\"" }
        );
        Assert.True(placed.Status == 200, placed.Body);
        Assert.Equal(1, await TakersAsync(shoes));
        var none = Body(Asks("segments", Guid.CreateVersion7().ToString()));
        var unknown = await _host.PostAsync("/api/v1/backtests", none, "unknown");
        Assert.Equal([("promotion.conditions.segments", "unknown_reference")], unknown.Errors);

        static string Asks(string name, string segment) => $"\"{name}\": [\"{segment}\"]";

        static string Body(string conditions) =>
            $$"""
                {"promotion": {"name": "Draft", "currency": "USD", "conditions": { {{conditions}} },
                   "effects": [{"type": "percent", "target": "order", "percent": 10}]},
                 "currency": "USD", "from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
                """;

        async Task<long> TakersAsync(string conditions)
        {
            var body = Encoding.UTF8.GetBytes(Body(conditions));
            var (operation, refusal) = await Backtesting.CreateAsync(_host.Database.Database, body, default);
            Assert.Null(refusal);
            var result = await Backtesting.RunAsync(_host.Database.Database, operation!, null, default);
            using var json = JsonDocument.Parse(result!);
            return json.RootElement.GetProperty("figures").GetProperty("takers").GetInt64();
        }
    }

    [Fact]
    public async Task Over_http_a_draft_meets_the_orders_of_this_shop_and_says_what_it_overlaps_and_what_margins_it_breaks()
    {
        var given = new Catalogue(_host.Database);
        var shop = new Shop(_host);
        await given.CouponAsync("TEN");
        await shop.RedeemAsync("1", await given.CustomerAsync(), ["TEN"], [(1000, 1)]);
        await shop.RedeemAsync("2", await given.CustomerAsync(), [], [(5000, 1)]);
        await shop.RedeemAsync("3", await given.CustomerAsync(), [], [(100, 1)]);
        var created = await _host.PostAsync(
            "/api/v1/backtests",
            new
            {
                promotion = new
                {
                    name = "Draft",
                    currency = "USD",
                    conditions = new { subtotal = new { amount = 1000 } },
                    effects = new[]
                    {
                        new
                        {
                            type = "percent",
                            target = "order",
                            percent = 15,
                        },
                    },
                },
                currency = "USD",
                from = "2020-01-01T00:00:00Z",
                until = "2100-01-01T00:00:00Z",
                cost_percent = 60,
                margin_floor_percent = 25,
            }
        );
        Assert.True(created.Status == 202, created.Body);
        var view = await _host.EndOfAsync(created.Header("Location")!);
        var figures = view.GetProperty("figures");
        Assert.Equal(3, figures.GetProperty("orders").GetInt64());
        Assert.Equal(2, figures.GetProperty("takers").GetInt64());
        Assert.Equal(900, figures.GetProperty("discount").GetInt64());
        Assert.Equal(1, figures.GetProperty("overlapping").GetInt64());
        var overlap = figures.GetProperty("overlaps")[0];
        Assert.StartsWith("coupon:", overlap.GetProperty("promotion_id").GetString(), StringComparison.Ordinal);
        Assert.Equal(100, overlap.GetProperty("discount").GetInt64());

        // 15 percent leave 25 of 85, more than a quarter; with the ten of the coupon 15 of 75 are left.
        Assert.Equal(1, figures.GetProperty("below_floor").GetInt64());
        Assert.Equal(1, figures.GetProperty("refused").GetProperty("below_minimum").GetInt64());
        var lines = await _host.GetAsync(view.GetProperty("output").GetString()!);
        Assert.Equal(2, lines.Body.Count(c => c == '\n'));

        var bad = await _host.PostAsync("/api/v1/backtests", new { currency = "USD", margin_floor_percent = 101 });
        Assert.Equal(
            ["cost_percent", "from", "margin_floor_percent", "promotion", "until"],
            bad.Errors.Select(e => e.Field).Order(StringComparer.Ordinal)
        );
    }

    /// <summary>Of the part of the data in the samples, by a program of its own.</summary>
    private static class Part
    {
        public const int Orders = 77;
        public const long TenTakers = 35;
        public const long TenCost = 257051;
        public const long FiveTakers = 60;
    }
}
