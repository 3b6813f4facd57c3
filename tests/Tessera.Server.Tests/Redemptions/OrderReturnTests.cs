using System.Text.Json.Nodes;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

[Collection(PostgresCollection.Name)]
public sealed class OrderReturnTests(PostgresFixture postgres) : ShopTests(postgres)
{
    [Fact]
    public async Task Units_are_given_back_one_by_one_and_add_up_to_the_whole_order()
    {
        await Given.CouponAsync("THIRD", "max_uses_total", "1");
        await Shop.PromotionAsync(
            "fixed",
            "order",
            ("amount", 101),
            ("budget", JsonNode.Parse("""{"type":"spend","limit":1000}""")!)
        );
        var customer = await Given.CustomerAsync();
        (int, int)[] lines = [(333, 3), (1999, 1), (50, 7)];
        var order = await Shop.RedeemAsync("R-1", customer, ["THIRD"], lines);
        var path = order.Header("Location")! + "/returns";
        long paid = 0;
        long discount = 0;
        foreach (var (line, units) in ((string, int)[])[("l0", 1), ("l2", 3), ("l1", 1), ("l0", 2), ("l2", 4)])
        {
            Assert.Equal(1, await UsesAsync());
            var body = new { reason = "No", lines = new[] { new { id = line, quantity = units } } };
            var reply = await Host.PostAsync(path, body);
            Assert.True(reply.Status == 201, reply.Body);
            paid += reply.Json.GetProperty("paid").GetProperty("amount").GetInt64();
            discount += reply.Json.GetProperty("discount").GetProperty("amount").GetInt64();
            await AssertPromisesAsync();
        }

        await Settled.UntilCountedAsync(Host);
        await SourceRecords.AssertEqualAsync(Host.Database);

        Assert.Equal(order.Json.GetProperty("payable").GetProperty("amount").GetInt64(), paid);
        Assert.Equal(order.Json.GetProperty("discount").GetProperty("amount").GetInt64(), discount);
        Assert.Equal(0, await UsesAsync());
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(posted)::bigint from balances.account"));
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(revenue_minor)::bigint from coupons.usage"));
        Assert.Equal("returned", Text(await Host.GetAsync(order.Header("Location")!), "status"));
        Assert.Equal("order_ended", (await Host.PostAsync(path, new { reason = "Again" })).Code);

        // The use came back with the last unit.
        Assert.Equal(201, (await Shop.RedeemAsync("R-2", customer, ["THIRD"])).Status);
    }

    [Fact]
    public async Task A_part_of_an_order_frees_its_part_of_a_budget_and_no_use()
    {
        var promotion = await Shop.PromotionAsync(
            "percent",
            "order",
            ("percent", 50),
            ("max_uses_total", 1),
            ("budget", JsonNode.Parse("""{"type":"spend","limit":2000}""")!)
        );
        var order = await Shop.RedeemAsync("P-1", null, [], [(1000, 2)]);
        var body = new { reason = "No", lines = new[] { new { id = "l0", quantity = 1 } } };
        var reply = await Host.PostAsync(order.Header("Location")! + "/returns", body, "same");
        Assert.Equal(500, reply.Json.GetProperty("paid").GetProperty("amount").GetInt64());
        Assert.False(reply.Json.GetProperty("promotions")[0].GetProperty("use_returned").GetBoolean());
        var again = await Host.PostAsync(order.Header("Location")! + "/returns", body, "same");
        Assert.Equal((reply.Body, "true"), (again.Body, again.Header("Idempotency-Replayed")));
        Assert.Equal(
            [500, 1],
            await Host.Database.ColumnAsync<long>(
                "select posted from balances.account where owner_id = $1 order by unit",
                promotion
            )
        );
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task What_is_given_back_in_parts_leaves_the_same_revenue_in_the_list_and_on_the_dashboard()
    {
        // One coupon gives on every line, the other on the first alone.
        await Given.CouponAsync("ALL", "max_uses_total", "10");
        var line = await Given.CouponAsync("LINE", "max_uses_total", "10");
        await Shop.PromotionAsync(
            "percent",
            "lines",
            ("percent", 50),
            ("coupon_id", line),
            ("filter", JsonNode.Parse("""{"skus":["SKU0"]}""")!)
        );
        var order = await Shop.RedeemAsync("M-1", await Given.CustomerAsync(), ["ALL", "LINE"], [(1000, 2), (3000, 1)]);
        Assert.True(order.Status == 201, order.Body);
        foreach (var (id, units) in ((string, int)[])[("l1", 1), ("l0", 1), ("l0", 1)])
        {
            var body = new { reason = "No", lines = new[] { new { id, quantity = units } } };
            var reply = await Host.PostAsync(order.Header("Location")! + "/returns", body);
            Assert.True(reply.Status == 201, reply.Body);
            await Settled.UntilCountedAsync(Host);
            await SourceRecords.AssertEqualAsync(Host.Database);
            var (_, revenue, discounts) = await Drilldown.RedemptionsAsync(Host, "status=used", "USD");
            Assert.Equal(await LeftAsync("revenue_minor") / 100m, revenue);
            Assert.Equal(await LeftAsync("discount_minor") / 100m, discounts);
        }

        Task<long> LeftAsync(string column) =>
            Host.Database.ScalarAsync<long>($"select coalesce(sum({column}), 0)::bigint from redemptions.standing");

        Assert.Equal(
            0,
            await Host.Database.ScalarAsync<long>("select sum(revenue_minor)::bigint from insights.coupon_day")
        );
        Assert.Equal(
            2,
            await Host.Database.ScalarAsync<long>("select sum(rolled_back)::bigint from insights.coupon_day")
        );
    }

    [Fact]
    public async Task A_use_may_be_kept_and_what_is_not_there_cannot_be_given_back()
    {
        await Given.CouponAsync("KEPT", "max_uses_total", "1");
        var order = await Shop.RedeemAsync("K-1", await Given.CustomerAsync(), ["KEPT"], [(1000, 2)]);
        var path = order.Header("Location")! + "/returns";
        var bad = await Host.PostAsync(
            path,
            new
            {
                reason = "No",
                lines = new[] { new { id = "l0", quantity = 3 }, new { id = "l9", quantity = 1 } },
                shipping = new[] { "s" },
            }
        );
        Assert.Equal(
            [("lines.0.quantity", "more_than_left"), ("lines.1.id", "unknown_line"), ("shipping.0", "unknown_line")],
            bad.Errors
        );
        var use = order.Json.GetProperty("applied")[0].GetProperty("id").GetString();
        var single = await Host.PostAsync($"/api/v1/redemptions/{use}/rollback", new { reason = "No" });
        Assert.Equal((409, "part_of_an_order"), (single.Status, single.Code));

        var whole = await Host.PostAsync(path, new { reason = "No", return_use = false });
        Assert.True(whole.Json.GetProperty("whole").GetBoolean());
        Assert.False(whole.Json.GetProperty("promotions")[0].GetProperty("use_returned").GetBoolean());
        var other = await Shop.RedeemAsync("K-2", await Given.CustomerAsync(), ["KEPT"]);
        Assert.Equal("limit_reached", other.Errors.Single().Code);
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task Two_tills_give_a_unit_back_once()
    {
        var order = await Shop.RedeemAsync("T-1", null, [], [(1000, 3)]);
        var body = new { reason = "No", lines = new[] { new { id = "l0", quantity = 2 } } };
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(_ => Host.PostAsync(order.Header("Location")! + "/returns", body))
        );
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal(400, r.Status));
    }

    private Task<long> UsesAsync() =>
        Host.Database.ScalarAsync<long>(
            "select count(*) from redemptions.redemption where order_reference = 'R-1' and rolled_back_at is null"
        );

    private async Task AssertPromisesAsync()
    {
        await foreach (var finding in new Verification(Host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, finding.Name + ": " + finding.Fault);
        }
    }

    private static string? Text(Reply reply, string name) => reply.Json.GetProperty(name).GetString();
}
