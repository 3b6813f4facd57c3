using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Access;
using Tessera.Server.Demo;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>Sums of money are absent for those without the permission, wherever they could be read (ACC-03).</summary>
[Collection(PostgresCollection.Name)]
public sealed class FigureTests(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>Members of events that sound like money and are none.</summary>
    private static readonly string[] NoMoney = [];

    private TestHost _host = null!;
    private HttpClient _poor = null!;
    private long _coupon;

    public async Task InitializeAsync()
    {
        await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
        _poor = _host.ClientOf(await _host.KeyAsync([.. Permissions.All.Except([Permissions.FinanceRead])]));
        _coupon = await new Catalogue(_host.Database).CouponAsync("FIGURES");
        var customer = await _host.PostAsync("/api/v1/customers", new { external_id = "C" });
        var campaign = await _host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id = "C-1",
                name = "Campaign",
                start_date = "2026-01-01",
                budget = new { amount = 100_000, currency = "USD" },
            }
        );
        Assert.True(campaign.Status == 201, campaign.Body);
        await _host.Database.ExecuteAsync("update coupons.coupon set campaign_id = 'C-1'");
        var redeemed = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code = "FIGURES",
                customer_id = customer.Json.GetProperty("id").GetString(),
                order = new { reference = "1", amount = new { amount = 5000, currency = "USD" } },
            }
        );
        Assert.True(redeemed.Status == 201, redeemed.Body);
    }

    public async Task DisposeAsync()
    {
        _poor.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task No_answer_shows_a_sum_of_money_to_who_may_not_see_it()
    {
        var backtest = await BacktestAsync();
        await StandStillAsync();
        var shown = new HashSet<string>(StringComparer.Ordinal);
        var walked = 0;
        foreach (
            var endpoint in _host
                .Services.GetRequiredService<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .Where(static e => e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") == true)
        )
        {
            var names = endpoint
                .Metadata.GetOrderedMetadata<GuardedFact>()
                .SelectMany(static f => f.Members)
                .Where(static m => m.AnyOf is [Permissions.FinanceRead])
                .SelectMany(static m => m.Names)
                .ToHashSet(StringComparer.Ordinal);
            var path = "/" + endpoint.RoutePattern.RawText!.Trim('/');
            if (names.Count == 0 || path == "/ws/coupons")
            {
                continue;
            }

            path = path.Replace("{id:long}", $"{_coupon}", StringComparison.Ordinal)
                .Replace("/history/{kind}/{id}", $"/history/coupon/{_coupon}", StringComparison.Ordinal)
                .Replace("/backtests/{id:guid}", $"/backtests/{backtest}", StringComparison.Ordinal)
                .Replace("/operations/{id:guid}", $"/operations/{backtest}", StringComparison.Ordinal)
                .Replace("{id}", "C-1", StringComparison.Ordinal);
            if (
                path.EndsWith("/output", StringComparison.Ordinal) || path.EndsWith("/errors", StringComparison.Ordinal)
            )
            {
                // Files: refused as a whole, or without sums.
                continue;
            }

            var rich = await _host.GetAsync(path);
            var poor = await _host.GetAsync(path, _poor);
            Assert.True((200, 200) == (rich.Status, poor.Status), $"{path}: {rich.Body} {poor.Body}");
            shown.UnionWith(NamesOf(rich.Json).Where(names.Contains));
            Assert.True(!NamesOf(poor.Json).Any(names.Contains), $"{path}: {poor.Body}");
            // Nothing else is missing.
            Assert.Equal(
                NamesOf(rich.Json).Count(n => !names.Contains(n)),
                NamesOf(poor.Json).Count() + Below(rich.Json, names)
            );
            walked++;
        }

        Assert.True(walked >= 8, $"{walked}");
        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "revenue_generated",
                "total_discounts_given",
                "total_revenue_generated",
                "financial_impact",
                "budget_spent",
                "marketing_cost",
                "roi",
                "order_minor",
                "discount_minor",
                "figures",
                "takers_subtotal",
            },
            shown
        );
        foreach (
            var path in (string[])
                [
                    "/api/v1/campaigns/C-1/costs",
                    "/api/v1/insights/campaigns/C-1/burn-down",
                    "/api/v1/audit/export",
                    $"/api/v1/operations/{backtest}/output",
                ]
        )
        {
            Assert.Equal((200, 403), ((await _host.GetAsync(path)).Status, (await _host.GetAsync(path, _poor)).Status));
        }
    }

    /// <summary>Who redeems or gives back works with the amounts of one redemption; who only reads needs the permission.</summary>
    [Fact]
    public async Task The_amounts_of_one_redemption_are_seen_by_those_who_work_with_it()
    {
        string[] reading = [Permissions.RedemptionsRead, Permissions.CouponsRead];
        using var reader = _host.ClientOf(await _host.KeyAsync(reading));
        using var till = _host.ClientOf(await _host.KeyAsync([.. reading, Permissions.RedemptionsRedeem]));
        var id = await _host.Database.ScalarAsync<Guid>("select id from redemptions.redemption");
        string[] amounts = ["order_amount", "discount", "payable", "amount_discounted"];
        foreach (
            var path in (string[])
                [$"/api/v1/redemptions/{id}", "/api/v1/redemptions", $"/api/v1/admin/coupons/{_coupon}/usage"]
        )
        {
            var (seen, hidden) = (await _host.GetAsync(path, till), await _host.GetAsync(path, reader));
            Assert.Equal((200, 200), (seen.Status, hidden.Status));
            Assert.Contains("order_amount", NamesOf(seen.Json));
            Assert.DoesNotContain(NamesOf(hidden.Json), amounts.Contains);
            Assert.Contains("order_reference", NamesOf(hidden.Json));
        }

        const string summary = "/api/v1/admin/coupons/analytics/summary";
        Assert.Contains("amount_discounted", NamesOf((await _host.GetAsync(summary, till)).Json));
        var latest = (await _host.GetAsync(summary, reader)).Json;
        Assert.DoesNotContain("amount_discounted", NamesOf(latest));
        Assert.Contains("coupon_code", NamesOf(latest));
    }

    /// <summary>Whatever an event calls money: a new name has to be told to those who hide it.</summary>
    [Fact]
    public async Task Every_amount_in_an_event_is_known_to_be_one()
    {
        await DemoWorld.LoadAsync(_host.Database.Database, default);
        var named = await _host.Database.ColumnAsync<string>(
            """
            select distinct m.key from platform.event e, jsonb_path_query(e.payload, '$.** ? (@.type() == "object")') o,
                jsonb_each(o) m where m.key ~ '(minor|amount|budget|revenue|bound|paid|cost|total)'
                and jsonb_typeof(m.value) <> 'string'
            """
        );
        Assert.Contains("order_minor", named);
        Assert.Empty(named.Except(Sums.OfEvents).Except(NoMoney));
    }

    [Fact]
    public async Task Nobody_sorts_selects_or_exports_by_what_they_may_not_see()
    {
        foreach (var query in (string[])["sort=revenue_desc", "revenueRange.min=1", "revenueRange.max=1"])
        {
            var refused = await _host.GetAsync("/api/v1/admin/coupons?" + query, _poor);
            Assert.Equal((400, "permission_missing"), (refused.Status, refused.Errors.Single().Code));
            Assert.Equal(200, (await _host.GetAsync("/api/v1/admin/coupons?" + query)).Status);
        }

        var selection = new { filter = new Dictionary<string, object> { ["revenueRange.min"] = 1 } };
        var preview = await _host.PostAsync(
            "/api/v1/admin/coupons/bulk/preview",
            new { action = "deactivate", selection },
            client: _poor
        );
        Assert.Equal("permission_missing", preview.Errors.Single().Code);
        Assert.Equal(400, (await ExportAsync(_poor, new { format = "csv", selection })).Status);

        var whole = new { format = "csv", selection = new { ids = (long[])[_coupon] } };
        var (rich, poor) = (await ExportAsync(_host.Client, whole), await ExportAsync(_poor, whole));
        await _host.EndOfAsync(rich.Header("Location")!);
        await _host.EndOfAsync(poor.Header("Location")!);
        Assert.Contains("revenue_generated", (await FileAsync(rich, _host.Client)).Body, StringComparison.Ordinal);
        Assert.Equal(
            (403, "export_with_figures"),
            (await FileAsync(rich, _poor)) is var no ? (no.Status, no.Code) : default
        );
        var file = await FileAsync(poor, _poor);
        Assert.Equal(200, file.Status);
        Assert.Contains("conversion_rate,last_used", file.Body, StringComparison.Ordinal);
    }

    /// <summary>
    /// Until all that happened is sealed and counted; then nobody works behind the scenes any more, so that two who ask for the
    /// same one after the other get the same.
    /// </summary>
    private async Task StandStillAsync()
    {
        await Settled.UntilCountedAsync(_host);
        foreach (var worker in _host.Services.GetServices<IHostedService>().OfType<Worker>())
        {
            await worker.StopAsync(default);
        }
    }

    private async Task<string> BacktestAsync()
    {
        var tested = await _host.PostAsync(
            "/api/v1/backtests",
            new
            {
                promotion = new
                {
                    name = "Ten off",
                    currency = "USD",
                    effects = new[]
                    {
                        new
                        {
                            type = "percent",
                            target = "order",
                            percent = 10,
                        },
                    },
                },
                currency = "USD",
                from = "2026-01-01T00:00:00Z",
                until = TimeProvider.System.GetUtcNow().AddDays(1),
            }
        );
        Assert.True(tested.Status == 202, tested.Body);
        await _host.EndOfAsync(tested.Header("Location")!);
        // An operation is in the log from beginning to end (AUD-01).
        Assert.Equal(
            ["operation.asked", "operation.ended"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'operation' order by sequence"
            )
        );
        return tested.Json.GetProperty("id").GetString()!;
    }

    private Task<Reply> ExportAsync(HttpClient client, object wanted) =>
        _host.PostAsync("/api/v1/admin/coupons/exports", wanted, client: client);

    private Task<Reply> FileAsync(Reply accepted, HttpClient client) =>
        _host.GetAsync(
            $"/api/v1/admin/coupons/exports/{accepted.Json.GetProperty("operation_id").GetString()}/file",
            client
        );

    /// <summary>The names of all members, at any depth.</summary>
    private static IEnumerable<string> NamesOf(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject().SelectMany(static m => NamesOf(m.Value).Prepend(m.Name)),
            JsonValueKind.Array => json.EnumerateArray().SelectMany(NamesOf),
            _ => [],
        };

    /// <summary>How many members of other names are within those of the names.</summary>
    private static int Below(JsonElement json, HashSet<string> names) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject()
                .Sum(m =>
                    names.Contains(m.Name) ? NamesOf(m.Value).Count(n => !names.Contains(n)) : Below(m.Value, names)
                ),
            JsonValueKind.Array => json.EnumerateArray().Sum(item => Below(item, names)),
            _ => 0,
        };
}
