using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

[Collection(PostgresCollection.Name)]
public sealed class OrderTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private Catalogue _given = null!;
    private Shop _shop = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
        _shop = new Shop(_host);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Codes_and_automatic_promotions_of_a_cart_are_used_in_one_order()
    {
        await _given.CouponAsync("TEN");
        var promotion = await _shop.PromotionAsync("fixed", "order", ("amount", 300));
        var reply = await _shop.RedeemAsync("A-1", await _given.CustomerAsync(), ["ten"], lines: [(1000, 2), (500, 1)]);
        Assert.Equal((201, ""), (reply.Status, reply.Status == 201 ? "" : reply.Body));
        Assert.Equal(2500, Amount(reply, "subtotal"));

        // The promotion comes first; the coupon takes ten percent of what it left.
        Assert.Equal(300 + 220, Amount(reply, "discount"));
        Assert.Equal(1980, Amount(reply, "payable"));
        var applied = reply.Json.GetProperty("applied").EnumerateArray().ToList();
        Assert.Equal(promotion, applied[0].GetProperty("promotion_id").GetString());
        Assert.Equal(2, applied[0].GetProperty("version").GetInt32());
        Assert.Equal("TEN", applied[1].GetProperty("code").GetString());
        Assert.Equal(
            1980,
            reply.Json.GetProperty("lines").EnumerateArray().Sum(l => l.GetProperty("payable").GetInt64())
        );
        Assert.Equal(
            1980,
            await _host.Database.ScalarAsync<long>("select sum(revenue_minor)::bigint from coupons.usage")
        );
        var order = await _host.GetAsync(reply.Header("Location")!);
        Assert.Equal("redeemed", order.Json.GetProperty("status").GetString());
        var receipt = await _host.GetAsync("/api/v1/receipts/" + reply.Json.GetProperty("receipt_id").GetString());
        Assert.Equal((200, "redemption"), (receipt.Status, Text(receipt.Json, "kind")));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task One_refused_code_refuses_all_or_is_left_out_as_asked()
    {
        await _given.CouponAsync("GOOD");
        await _given.CouponAsync("POOR", "minimum_order_minor", "100000");
        var customer = await _given.CustomerAsync();
        var none = await _shop.RedeemAsync("B-1", customer, ["GOOD", "POOR", "nosuch"]);
        Assert.Equal((409, "codes_refused"), (none.Status, none.Code));
        Assert.Equal([("codes.1", "below_minimum"), ("codes.2", "not_found")], none.Errors.Order());
        Assert.Equal("refusal", Text((await _host.GetAsync(none.Header("Location")!)).Json, "kind"));
        Assert.Equal(0, await CountAsync("redemptions.redemption"));
        Assert.Equal(2, await CountAsync("redemptions.refusal"));

        var some = await _shop.RedeemAsync("B-1", customer, ["GOOD", "POOR", "nosuch"], mode: "best_effort");
        Assert.Equal(201, some.Status);
        Assert.Equal(100, Amount(some, "discount"));
        Assert.Equal(2, some.Json.GetProperty("rejected").GetArrayLength());
        Assert.Equal(1, await CountAsync("redemptions.redemption"));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task The_same_key_gives_the_first_answer_and_the_same_reference_is_one_order()
    {
        await _given.CouponAsync("KEY", "max_uses_per_user", "5");
        var customer = await _given.CustomerAsync();
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => _shop.RedeemAsync("C-1", customer, ["KEY"], key: "k"))
        );
        Assert.All(replies, r => Assert.Equal((201, replies[0].Body), (r.Status, r.Body)));
        Assert.Equal("order_exists", (await _shop.RedeemAsync("C-1", customer, ["KEY"])).Code);
        Assert.Equal(1, await CountAsync("redemptions.redemption"));

        var refusals = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => _shop.RedeemAsync("C-2", customer, ["NONE"], key: "r"))
        );
        Assert.All(refusals, r => Assert.Equal((409, refusals[0].Body), (r.Status, r.Body)));
        Assert.Equal(1, await CountAsync("redemptions.refusal"));
    }

    [Fact]
    public async Task Orders_that_share_codes_in_opposite_order_neither_wait_for_ever_nor_pass_a_limit()
    {
        await _given.CouponAsync("ALPHA", "max_uses_total", "6");
        await _given.CouponAsync("BRAVO", "max_uses_total", "9");
        var limited = await _shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_total", 7));
        var customers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => _given.CustomerAsync()));
        var replies = await Task.WhenAll(
            customers.Select(
                (c, i) =>
                    i % 5 == 4
                        ? _host.PostAsync(
                            "/api/v1/redemptions",
                            new
                            {
                                code = i % 2 == 0 ? "ALPHA" : "BRAVO",
                                customer_id = c,
                                order = new { reference = "S-" + i, amount = new { amount = 1000, currency = "USD" } },
                            }
                        )
                        : _shop.RedeemAsync(
                            "D-" + i,
                            c,
                            i % 2 == 0 ? ["ALPHA", "BRAVO"] : ["BRAVO", "ALPHA"],
                            mode: "best_effort"
                        )
            )
        );
        Assert.All(replies, r => Assert.True(r.Status is 201 or 409, r.Body));
        Assert.Equal(6, await UsesAsync("ALPHA"));
        Assert.Equal(9, await UsesAsync("BRAVO"));
        Assert.Equal(
            7,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.promotion_use where promotion_id = $1",
                limited
            )
        );
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task A_cart_is_held_until_it_is_redeemed_or_released_and_holds_count()
    {
        await _given.CouponAsync("HOLD", "max_uses_total", "1");
        var unique = await _given.CouponAsync("MANY", kind: "unique");
        await _given.UnitAsync(unique, "UNIT-1");
        await _shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_total", 1));
        var (a, b) = (await _given.CustomerAsync(), await _given.CustomerAsync());
        var held = await _shop.ReserveAsync("E-1", a, ["HOLD", "UNIT-1"]);
        Assert.Equal((201, "reserved"), (held.Status, held.Json.GetProperty("status").GetString()));
        Assert.Equal(3, held.Json.GetProperty("applied").GetArrayLength());

        var other = await _shop.RedeemAsync("E-2", b, ["HOLD", "UNIT-1"], mode: "best_effort");
        Assert.Equal(0, other.Json.GetProperty("applied").GetArrayLength());
        Assert.Equal(
            ["limit_reached", "limit_reached"],
            other.Json.GetProperty("rejected").EnumerateArray().Select(r => r.GetProperty("reason").GetString())
        );

        var id = held.Json.GetProperty("id").GetString()!;
        var used = await _shop.RedeemAsync("E-1", a, ["HOLD", "UNIT-1"], reservation: id);
        Assert.Equal((201, 3), (used.Status, used.Json.GetProperty("applied").GetArrayLength()));
        Assert.Equal("redeemed", await StatusAsync(id));
        Assert.Equal(0, await CountAsync("balances.hold"));
        Assert.Equal("reservation_ended", (await _shop.RedeemAsync("E-3", a, ["HOLD"], reservation: id)).Code);
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task A_released_or_lapsed_cart_frees_all_it_held_once()
    {
        await _given.CouponAsync("FREE", "max_uses_total", "1");
        await _shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_total", 1));
        var (a, b) = (await _given.CustomerAsync(), await _given.CustomerAsync());
        var held = await _shop.ReserveAsync("F-1", a, ["FREE"]);
        var id = held.Json.GetProperty("id").GetString()!;
        var releases = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => _host.PostAsync($"/api/v1/orders/reservations/{id}/release"))
        );
        Assert.Single(releases, r => r.Status == 200);
        Assert.All(releases.Where(r => r.Status != 200), r => Assert.Equal("reservation_ended", r.Code));
        Assert.Equal("released", await StatusAsync(id));

        var brief = await _shop.ReserveAsync("F-2", a, ["FREE"], holdSeconds: 1);
        Assert.Equal(201, brief.Status);
        await Task.Delay(1100);
        var used = await _shop.RedeemAsync("F-3", b, ["FREE"]);
        Assert.Equal((201, 2), (used.Status, used.Json.GetProperty("applied").GetArrayLength()));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task An_order_may_be_priced_anew_and_its_own_uses_do_not_count()
    {
        await _given.CouponAsync("ONLY", "max_uses_total", "1");
        await _shop.PromotionAsync("percent", "order", ("percent", 10), ("max_uses_total", 1));
        var customer = await _given.CustomerAsync();
        await _shop.RedeemAsync("G-1", customer, ["ONLY"]);
        var again = await _shop.RedeemAsync("G-1", customer, ["ONLY"], lines: [(5000, 1)], replace: true);
        Assert.Equal((201, 2), (again.Status, again.Json.GetProperty("applied").GetArrayLength()));
        Assert.Equal(500 + 450, Amount(again, "discount"));
        Assert.Equal(1, await UsesAsync("ONLY"));
        Assert.Equal(
            ["replaced"],
            await _host.Database.ColumnAsync<string>(
                "select ending from redemptions.placed_order where ending is not null"
            )
        );
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task Two_coupons_of_one_budget_never_spend_more_than_it_has()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, budget_minor, budget_currency, created_by)
            values ('b', 'Budget', clock_timestamp() - interval '1 day', 150, 'USD', 'job:test')
            """
        );
        await _given.CouponAsync("ONE", "campaign_id", "'b'");
        await _given.CouponAsync("TWO", "campaign_id", "'b'");
        var reply = await _shop.RedeemAsync("H-1", await _given.CustomerAsync(), ["ONE", "TWO"], mode: "best_effort");
        Assert.Equal(100, Amount(reply, "discount"));
        var rejected = reply.Json.GetProperty("rejected")[0];
        Assert.Equal(("TWO", "budget_exhausted"), (Text(rejected, "code"), Text(rejected, "reason")));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task Limits_by_day_customer_channel_and_stock_hold_and_say_which_it_was()
    {
        var limits =
            """[{"max":3,"period":"day","time_zone":"Asia/Tokyo"},{"max":1,"period":"week","per":"customer"}]""";
        await _shop.PromotionAsync("fixed", "order", ("amount", 10), ("limits", JsonNode.Parse(limits)!));
        await _shop.PromotionAsync("fixed", "order", ("amount", 10), ("stock", 2));
        var customers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => _given.CustomerAsync()));
        var replies = await Task.WhenAll(
            customers.Concat(customers).Select((c, i) => _shop.RedeemAsync("L-" + i, c, [], explain: true))
        );
        Assert.All(replies, r => Assert.Equal(201, r.Status));
        Assert.Equal(
            [2, 3],
            await _host.Database.ColumnAsync<long>(
                "select count(*) from redemptions.promotion_use group by promotion_id order by 1"
            )
        );
        var reasons = replies
            .SelectMany(r => r.Json.GetProperty("rejected").EnumerateArray())
            .ToLookup(r => Text(r, "reason"));
        Assert.Equal(10, reasons["out_of_stock"].Count());
        Assert.Equal(9, reasons["limit_reached"].Count() + reasons["user_limit_reached"].Count());
        Assert.All(reasons["limit_reached"], r => Assert.Equal("wait_until", Text(r.GetProperty("change"), "kind")));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task A_visitor_nobody_knows_may_buy_but_not_use_a_code()
    {
        await _given.CouponAsync("KNOWN");
        await _shop.PromotionAsync("fixed", "order", ("amount", 10));
        var reply = await _shop.RedeemAsync("I-1", null, ["KNOWN"], mode: "best_effort");
        Assert.Equal(10, Amount(reply, "discount"));
        Assert.Equal("customer_required", Text(reply.Json.GetProperty("rejected")[0], "reason"));
        Assert.Equal(400, (await _shop.RedeemAsync("I-2", Guid.CreateVersion7(), [])).Status);
    }

    [Fact]
    public async Task All_that_is_wrong_with_a_cart_is_told_at_once()
    {
        var reply = await _host.PostAsync(
            "/api/v1/orders/redemptions",
            new
            {
                currency = "EURO",
                lines = new object[]
                {
                    new
                    {
                        id = "1",
                        sku = "A",
                        unit_price = -1,
                        quantity = 1,
                    },
                    new
                    {
                        id = "2",
                        sku = "A",
                        unit_price = 1,
                        quantity = 0,
                        colour = "red",
                    },
                },
                codes = Enumerable.Range(0, 31).Select(i => "C" + i),
                mode = "some",
            }
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            ["codes", "currency", "lines.0.unit_price", "lines.1.colour", "lines.1.quantity", "mode", "reference"],
            reply.Errors.Select(e => e.Field).Order(StringComparer.Ordinal)
        );
    }

    private async Task AssertPromisesAsync()
    {
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, finding.Name + ": " + finding.Fault);
        }
    }

    private async Task<string?> StatusAsync(string reservation) =>
        Text((await _host.GetAsync("/api/v1/orders/reservations/" + reservation)).Json, "status");

    private Task<long> CountAsync(string table) => _host.Database.ScalarAsync<long>("select count(*) from " + table);

    private Task<long> UsesAsync(string code) =>
        _host.Database.ScalarAsync<long>(
            """
            select count(*) from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
            where c.code = $1 and r.rolled_back_at is null
            """,
            code
        );

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static long Amount(Reply reply, string name) =>
        reply.Json.GetProperty(name).GetProperty("amount").GetInt64();
}
