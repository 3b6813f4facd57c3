using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Insights.Marketing;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

[Collection(PostgresCollection.Name)]
public sealed class MarketingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private string _today = null!;
    private TestHost _host = null!;
    private Catalogue _catalogue = null!;

    public async Task InitializeAsync()
    {
        _today = await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
        _catalogue = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Campaigns_side_by_side_have_the_figures_of_their_redemptions_and_costs()
    {
        await CampaignAsync("spring", "\"email\"");
        await CampaignAsync("autumn", "\"social\"");
        await _catalogue.CouponAsync("SPRING", "currency, campaign_id", "'EUR', 'spring'");
        await _catalogue.CouponAsync("AUTUMN", "currency, campaign_id", "'EUR', 'autumn'");
        var (anna, ben) = (await _catalogue.CustomerAsync(), await _catalogue.CustomerAsync());
        await RedeemAsync("SPRING", anna, "o-1", 10_000);
        await RedeemAsync("AUTUMN", anna, "o-2", 5_000);
        var back = await RedeemAsync("AUTUMN", ben, "o-3", 5_000);
        Assert.InRange(
            (await _host.PostAsync($"/api/v1/redemptions/{back}/rollback", new { reason = "returned" })).Status,
            200,
            201
        );
        await _host.PostAsync(
            "/api/v1/campaigns/spring/costs",
            new
            {
                day = _today,
                amount = new { amount = 3_000, currency = "EUR" },
                note = "Posters",
            }
        );
        await Settled.UntilCountedAsync(_host);

        var rows = (await _host.GetAsync("/api/v1/insights/campaigns")).Json.GetProperty("rows");
        Assert.Equal(["spring", "autumn"], rows.EnumerateArray().Select(static r => Text(r, "campaign_id")));
        var spring = rows[0];
        Assert.Equal(
            (90m, 10m, 30m, 40m, 2m),
            (
                Amount(spring, "revenue_generated"),
                Amount(spring, "discounts_given"),
                Amount(spring, "marketing_cost"),
                Amount(spring, "cost_per_use"),
                Amount(spring, "roi")
            )
        );
        Assert.Equal(
            (2, 1, 45m),
            (
                rows[1].GetProperty("total_redemptions").GetInt64(),
                rows[1].GetProperty("rolled_back").GetInt64(),
                Amount(rows[1], "revenue_generated")
            )
        );
        Assert.Equal(JsonValueKind.Null, rows[1].GetProperty("roi").ValueKind);
        var uses = (await _host.GetAsync($"/api/v1/redemptions?campaign_id=autumn&from={_today}&to={_today}")).Json;
        Assert.Equal(2, uses.GetProperty("data").GetArrayLength());
        uses = (await _host.GetAsync("/api/v1/redemptions?campaign_id=autumn&to=2026-01-01")).Json;
        Assert.Equal(0, uses.GetProperty("data").GetArrayLength());
        var lines = (await _host.GetAsync("/api/v1/insights/timeline?campaign_id=spring,autumn")).Json;
        Assert.Equal(
            ["spring", "autumn"],
            lines.GetProperty("series").EnumerateArray().Select(static s => Text(s, "campaign_id"))
        );
    }

    [Fact]
    public async Task First_and_last_touch_divide_the_same_revenue()
    {
        await CampaignAsync("spring", "\"email\"");
        await CampaignAsync("autumn", "\"social\"");
        await _catalogue.CouponAsync("SPRING", "currency, campaign_id", "'EUR', 'spring'");
        await _catalogue.CouponAsync("AUTUMN", "currency, campaign_id", "'EUR', 'autumn'");
        await _catalogue.CouponAsync("ALONE", "currency", "'EUR'");
        var (anna, ben) = (await _catalogue.CustomerAsync(), await _catalogue.CustomerAsync());
        await RedeemAsync("SPRING", anna, "o-1", 10_000);
        var second = await RedeemAsync("AUTUMN", anna, "o-2", 5_000);
        await RedeemAsync("ALONE", ben, "o-3", 2_000);

        var rows = await RowsAsync("campaign");
        Assert.Equal((90m, 135m), rows["spring"]);
        Assert.Equal((45m, 0m), rows["autumn"]);
        Assert.Equal((18m, 18m), rows[""]);
        Assert.Equal((90m, 135m), (await RowsAsync("marketing_channel"))["email"]);
        Assert.Equal(rows.Values.Sum(static r => r.Last), rows.Values.Sum(static r => r.First));

        await AssertRowsAsync();
        var one = (await _host.GetAsync($"/api/v1/insights/redemptions/{second}/attribution")).Json;
        Assert.Equal("o-2", Text(one, "order_reference"));
        Assert.Equal("autumn", Text(one.GetProperty("last"), "campaign_id"));
        Assert.Equal("spring", Text(one.GetProperty("first"), "campaign_id"));
        Assert.Equal(
            404,
            (await _host.GetAsync($"/api/v1/insights/redemptions/{Guid.CreateVersion7()}/attribution")).Status
        );
    }

    [Fact]
    public async Task A_budget_burns_down_to_what_its_account_says()
    {
        await CampaignAsync("spring", "null", """, "budget":{"amount":10000,"currency":"EUR"}, "budget_uses":5""");
        await _catalogue.CouponAsync("SPRING", "currency, campaign_id", "'EUR', 'spring'");
        await RedeemAsync("SPRING", await _catalogue.CustomerAsync(), "o-1", 10_000);
        var held = await _host.PostAsync(
            "/api/v1/reservations",
            new
            {
                code = "SPRING",
                customer_id = await _catalogue.CustomerAsync(),
                order = new { reference = "o-2", amount = new { amount = 2_000, currency = "EUR" } },
            }
        );
        Assert.True(held.Status == 201, held.Body);
        await _host.Services.GetRequiredService<BudgetWatch>().RunOnceAsync(CancellationToken.None);
        await Settled.UntilCountedAsync(_host);

        var budgets = (await _host.GetAsync("/api/v1/insights/campaigns/spring/burn-down")).Json.GetProperty("budgets");
        var (money, uses) = (budgets[0], budgets[1]);
        Assert.Equal(
            (100m, 10m, 2m, 88m),
            (Amount(money, "bound"), Amount(money, "spent"), Amount(money, "held"), Amount(money, "remaining"))
        );
        Assert.Equal((1m, 1m, 3m), (Amount(uses, "spent"), Amount(uses, "held"), Amount(uses, "remaining")));
        var points = money.GetProperty("points");
        var last = points[points.GetArrayLength() - 1];
        Assert.Equal((_today, 10m, 2m), (Text(last, "day"), Amount(last, "spent"), Amount(last, "held")));
        Assert.Equal(0m, Amount(points[0], "spent"));
        Assert.Equal(
            [2L, 1L],
            await _host.Database.ColumnAsync<long>(
                "select case unit when 'use' then most_held else most_held / 100 end from insights.budget_day order by unit"
            )
        );
    }

    [Fact]
    public async Task Markers_and_campaigns_stand_beside_the_charts_they_belong_to()
    {
        await CampaignAsync("spring", "null");
        var other = await _catalogue.CouponAsync("OTHER");
        var coupon = await _catalogue.CouponAsync("SPRING", "campaign_id", "'spring'");
        var wrong = await _host.PostAsync(
            "/api/v1/insights/markers",
            new
            {
                day = "yesterday",
                kind = "rumour",
                coupon_id = 999_999,
            }
        );
        Assert.Equal(
            ["coupon_id", "day", "kind", "text"],
            wrong.Errors.Select(static e => e.Field).Order(StringComparer.Ordinal)
        );
        var made = await _host.PostAsync(
            "/api/v1/insights/markers",
            new
            {
                day = _today,
                kind = "social_post",
                text = "Story",
                coupon_id = coupon,
            }
        );
        Assert.Equal(201, made.Status);
        var of = $"/api/v1/insights/markers?from=2026-01-01&to={_today}&coupon_id=";
        Assert.Equal(["campaign_start", "social_post"], await KindsAsync(of + coupon));
        Assert.Empty(await KindsAsync(of + other));
        var foreign = await _host.KeyAsync([Permissions.CouponsRead], Guid.CreateVersion7(), merchantExists: false);
        var reply = await _host.GetAsync("/api/v1/insights/markers", _host.ClientOf(foreign));
        Assert.Equal(0, reply.Json.GetProperty("data").GetArrayLength());
        var address = made.Header("Location")!;
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, address)).Status);
        Assert.Equal(["campaign_start"], await KindsAsync(of + coupon));
        Assert.Equal(
            ["marker.added", "marker.removed"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'marker' order by position"
            )
        );
    }

    [Fact]
    public async Task A_cost_is_entered_told_and_taken_back()
    {
        await CampaignAsync("spring", "null");
        var wrong = await _host.PostAsync(
            "/api/v1/campaigns/spring/costs",
            new { day = "31.1.2027", amount = new { amount = 0, currency = "EUR" } }
        );
        Assert.Equal(["amount", "day"], wrong.Errors.Select(static e => e.Field).Order(StringComparer.Ordinal));
        var made = await _host.PostAsync(
            "/api/v1/campaigns/spring/costs",
            new { day = _today, amount = new { amount = 500, currency = "EUR" } }
        );
        Assert.Equal(201, made.Status);
        var costs = (await _host.GetAsync("/api/v1/campaigns/spring/costs")).Json.GetProperty("data");
        Assert.Equal(_today, Text(costs[0], "day"));
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, made.Header("Location")!)).Status);
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, made.Header("Location")!)).Status);
        Assert.Equal(404, (await _host.GetAsync("/api/v1/campaigns/winter/costs")).Status);
        Assert.Equal(
            ["campaign.cost_added", "campaign.cost_removed"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where type like 'campaign.cost%' order by position"
            )
        );
    }

    private static string? Text(JsonElement row, string name) => row.GetProperty(name).GetString();

    private static decimal Amount(JsonElement row, string name) => row.GetProperty(name).GetDecimal();

    private async Task<IEnumerable<string?>> KindsAsync(string path) =>
        (await _host.GetAsync(path)).Json.GetProperty("data").EnumerateArray().Select(static m => Text(m, "kind"));

    private async Task<Dictionary<string, (decimal Last, decimal First)>> RowsAsync(string by) =>
        (await _host.GetAsync("/api/v1/insights/attribution?currency=EUR&by=" + by))
            .Json.GetProperty("rows")
            .EnumerateArray()
            .ToDictionary(
                static r => Text(r, "key")!,
                static r => (Amount(r.GetProperty("last"), "revenue"), Amount(r.GetProperty("first"), "revenue"))
            );

    /// <summary>What each side gets, by each touch, are the redemptions the page leads to (MET-24).</summary>
    private async Task AssertRowsAsync()
    {
        foreach (var by in (string[])["campaign", "coupon", "marketing_channel", "utm_source"])
        {
            var table = (await _host.GetAsync("/api/v1/insights/attribution?currency=EUR&by=" + by)).Json;
            foreach (var row in table.GetProperty("rows").EnumerateArray())
            {
                var key = Text(row, "key");
                var name = by is "campaign" or "coupon" ? by + "_id" : by;
                var of = key == "" ? "without=" + by : $"{name}={key}";
                foreach (var touch in (string[])["last", "first"])
                {
                    var credit = row.GetProperty(touch);
                    Assert.Equal(
                        (
                            of,
                            touch,
                            credit.GetProperty("redemptions").GetInt32(),
                            Amount(credit, "revenue"),
                            Amount(credit, "discounts")
                        ),
                        await MatchingAsync(of, touch)
                    );
                }
            }
        }

        async Task<(string, string, int, decimal, decimal)> MatchingAsync(string of, string touch)
        {
            var rows = await Drilldown.RedemptionsAsync(_host, $"status=redeemed&touch={touch}&{of}", "EUR");
            return (of, touch, rows.Count, rows.Revenue, rows.Discounts);
        }
    }

    private async Task CampaignAsync(string id, string channel, string more = "")
    {
        var reply = await _host.PostAsync(
            "/api/v1/campaigns",
            $$"""
            {"id":"{{id}}","name":"{{id}}","start_date":"2026-01-01","end_date":"2030-06-30",
             "attribution":{"marketing_channel":{{channel}}}{{more}}}
            """
        );
        Assert.True(reply.Status == 201, reply.Body);
    }

    private async Task<string> RedeemAsync(string code, Guid customer, string order, long amount)
    {
        var reply = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = customer,
                order = new { reference = order, amount = new { amount, currency = "EUR" } },
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetString()!;
    }
}
