using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

[Collection(PostgresCollection.Name)]
public sealed class OrderTests(PostgresFixture postgres) : ShopTests(postgres)
{
    [Fact]
    public async Task Codes_and_automatic_promotions_of_a_cart_are_used_in_one_order()
    {
        await Given.CouponAsync("TEN");
        var promotion = await Shop.PromotionAsync("fixed", "order", ("amount", 300));
        var reply = await Shop.RedeemAsync("A-1", await Given.CustomerAsync(), ["ten"], lines: [(1000, 2), (500, 1)]);
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
            await Host.Database.ScalarAsync<long>("select sum(revenue_minor)::bigint from coupons.usage")
        );
        var order = await Host.GetAsync(reply.Header("Location")!);
        Assert.Equal("redeemed", order.Json.GetProperty("status").GetString());
        var receipt = await Host.GetAsync("/api/v1/receipts/" + reply.Json.GetProperty("receipt_id").GetString());
        Assert.Equal((200, "redemption"), (receipt.Status, Text(receipt.Json, "kind")));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task One_refused_code_refuses_all_or_is_left_out_as_asked()
    {
        await Given.CouponAsync("GOOD");
        await Given.CouponAsync("POOR", "minimum_order_minor", "100000");
        var customer = await Given.CustomerAsync();
        var none = await Shop.RedeemAsync("B-1", customer, ["GOOD", "POOR", "nosuch"]);
        Assert.Equal((409, "codes_refused"), (none.Status, none.Code));
        Assert.Equal([("codes.1", "below_minimum"), ("codes.2", "not_found")], none.Errors.Order());
        Assert.Equal("refusal", Text((await Host.GetAsync(none.Header("Location")!)).Json, "kind"));
        Assert.Equal(0, await CountAsync("redemptions.redemption"));
        Assert.Equal(2, await CountAsync("redemptions.refusal"));

        var some = await Shop.RedeemAsync("B-1", customer, ["GOOD", "POOR", "nosuch"], mode: "best_effort");
        Assert.Equal(201, some.Status);
        Assert.Equal(100, Amount(some, "discount"));
        Assert.Equal(2, some.Json.GetProperty("rejected").GetArrayLength());
        Assert.Equal(1, await CountAsync("redemptions.redemption"));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task The_same_key_gives_the_first_answer_and_the_same_reference_is_one_order()
    {
        await Given.CouponAsync("KEY", "max_uses_per_user", "5");
        var customer = await Given.CustomerAsync();
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Shop.RedeemAsync("C-1", customer, ["KEY"], key: "k"))
        );
        Assert.All(replies, r => Assert.Equal((201, replies[0].Body), (r.Status, r.Body)));
        Assert.Equal("order_exists", (await Shop.RedeemAsync("C-1", customer, ["KEY"])).Code);
        Assert.Equal(1, await CountAsync("redemptions.redemption"));

        var refusals = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => Shop.RedeemAsync("C-2", customer, ["NONE"], key: "r"))
        );
        Assert.All(refusals, r => Assert.Equal((409, refusals[0].Body), (r.Status, r.Body)));
        Assert.Equal(1, await CountAsync("redemptions.refusal"));
    }

    [Fact]
    public async Task Orders_that_share_codes_in_opposite_order_neither_wait_for_ever_nor_pass_a_limit()
    {
        await Given.CouponAsync("ALPHA", "max_uses_total", "6");
        await Given.CouponAsync("BRAVO", "max_uses_total", "9");
        var limited = await Shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_total", 7));
        var customers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Given.CustomerAsync()));
        var replies = await Task.WhenAll(
            customers.Select(
                (c, i) =>
                    i % 5 == 4
                        ? Host.PostAsync(
                            "/api/v1/redemptions",
                            new
                            {
                                code = i % 2 == 0 ? "ALPHA" : "BRAVO",
                                customer_id = c,
                                order = new { reference = "S-" + i, amount = new { amount = 1000, currency = "USD" } },
                            }
                        )
                        : Shop.RedeemAsync(
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
            await Host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.promotion_use where promotion_id = $1",
                limited
            )
        );
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task A_cart_is_held_until_it_is_redeemed_or_released_and_holds_count()
    {
        await Given.CouponAsync("HOLD", "max_uses_total", "1");
        var unique = await Given.CouponAsync("MANY", kind: "unique");
        await Given.UnitAsync(unique, "UNIT-1");
        await Shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_total", 1));
        var (a, b) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var held = await Shop.ReserveAsync("E-1", a, ["HOLD", "UNIT-1"]);
        Assert.Equal((201, "reserved"), (held.Status, held.Json.GetProperty("status").GetString()));
        Assert.Equal(3, held.Json.GetProperty("applied").GetArrayLength());

        var other = await Shop.RedeemAsync("E-2", b, ["HOLD", "UNIT-1"], mode: "best_effort");
        Assert.Equal(0, other.Json.GetProperty("applied").GetArrayLength());
        Assert.Equal(
            ["limit_reached", "limit_reached"],
            other.Json.GetProperty("rejected").EnumerateArray().Select(r => r.GetProperty("reason").GetString())
        );

        var id = held.Json.GetProperty("id").GetString()!;
        var used = await Shop.RedeemAsync("E-1", a, ["HOLD", "UNIT-1"], reservation: id);
        Assert.Equal((201, 3), (used.Status, used.Json.GetProperty("applied").GetArrayLength()));
        Assert.Equal("redeemed", await StatusAsync(id));
        Assert.Equal(0, await CountAsync("balances.hold"));
        Assert.Equal("reservation_ended", (await Shop.RedeemAsync("E-3", a, ["HOLD"], reservation: id)).Code);
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task A_released_or_lapsed_cart_frees_all_it_held_once()
    {
        await Given.CouponAsync("FREE", "max_uses_total", "1");
        await Shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_total", 1));
        var (a, b) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var held = await Shop.ReserveAsync("F-1", a, ["FREE"]);
        var id = held.Json.GetProperty("id").GetString()!;
        var releases = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => Host.PostAsync($"/api/v1/orders/reservations/{id}/release"))
        );
        Assert.Single(releases, r => r.Status == 200);
        Assert.All(releases.Where(r => r.Status != 200), r => Assert.Equal("reservation_ended", r.Code));
        Assert.Equal("released", await StatusAsync(id));

        var brief = await Shop.ReserveAsync("F-2", a, ["FREE"], holdSeconds: 1);
        Assert.Equal(201, brief.Status);
        await Task.Delay(1100);
        var used = await Shop.RedeemAsync("F-3", b, ["FREE"]);
        Assert.Equal((201, 2), (used.Status, used.Json.GetProperty("applied").GetArrayLength()));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task An_order_may_be_priced_anew_and_its_own_uses_do_not_count()
    {
        await Given.CouponAsync("ONLY", "max_uses_total", "1");
        await Shop.PromotionAsync("percent", "order", ("percent", 10), ("max_uses_total", 1));
        var customer = await Given.CustomerAsync();
        await Shop.RedeemAsync("G-1", customer, ["ONLY"]);
        var again = await Shop.RedeemAsync("G-1", customer, ["ONLY"], lines: [(5000, 1)], replace: true);
        Assert.Equal((201, 2), (again.Status, again.Json.GetProperty("applied").GetArrayLength()));
        Assert.Equal(500 + 450, Amount(again, "discount"));
        Assert.Equal(1, await UsesAsync("ONLY"));
        Assert.Equal(
            ["replaced"],
            await Host.Database.ColumnAsync<string>(
                "select ending from redemptions.placed_order where ending is not null"
            )
        );
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task Two_coupons_of_one_budget_never_spend_more_than_it_has()
    {
        await Host.Database.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, budget_minor, budget_currency, created_by)
            values ('b', 'Budget', clock_timestamp() - interval '1 day', 150, 'USD', 'job:test')
            """
        );
        await Given.CouponAsync("ONE", "campaign_id", "'b'");
        await Given.CouponAsync("TWO", "campaign_id", "'b'");
        var reply = await Shop.RedeemAsync("H-1", await Given.CustomerAsync(), ["ONE", "TWO"], mode: "best_effort");
        Assert.Equal(100, Amount(reply, "discount"));
        var rejected = reply.Json.GetProperty("rejected")[0];
        Assert.Equal(("TWO", "budget_exhausted"), (Text(rejected, "code"), Text(rejected, "reason")));
        await AssertPromisesAsync();
    }

    [Fact]
    public async Task Limits_by_day_customer_channel_and_stock_hold_and_say_which_it_was()
    {
        await Midnight.TodayAsync("Asia/Tokyo");
        await Midnight.TodayAsync();
        var limits =
            """[{"max":3,"period":"day","time_zone":"Asia/Tokyo"},{"max":1,"period":"week","per":"customer"}]""";
        await Shop.PromotionAsync("fixed", "order", ("amount", 10), ("limits", JsonNode.Parse(limits)!));
        await Shop.PromotionAsync("fixed", "order", ("amount", 10), ("stock", 2));
        var customers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Given.CustomerAsync()));
        var replies = await Task.WhenAll(
            customers.Concat(customers).Select((c, i) => Shop.RedeemAsync("L-" + i, c, [], explain: true))
        );
        Assert.All(replies, r => Assert.Equal(201, r.Status));
        Assert.Equal(
            [2, 3],
            await Host.Database.ColumnAsync<long>(
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
    public async Task Uses_by_id_and_uses_by_address_are_one_customers_in_quotes_as_in_orders()
    {
        var promotion = await Shop.PromotionAsync("fixed", "order", ("amount", 10), ("max_uses_per_user", 2));
        var customer = await Given.CustomerAsync();
        Assert.Equal(201, (await SendAsync("orders/redemptions", "1", customer, null)).Status);
        Assert.Equal(201, (await SendAsync("orders/redemptions", "2", null, "ann@example.org")).Status);
        await QuotedTests.HeardAsync(Host);
        var each = await SendAsync("quotes", null, null, "ANN@example.org");
        Assert.Equal(10, each.Json.GetProperty("discount").GetInt64());

        // Whoever gives both names has used it under both.
        foreach (var path in (string[])["quotes", "orders/redemptions"])
        {
            var reply = await SendAsync(path, path == "quotes" ? null : "3", customer, "ann@example.org");
            var rejected = Assert.Single(reply.Json.GetProperty("rejected").EnumerateArray());
            Assert.Equal((promotion, "user_limit_reached"), (Text(rejected, "promotion_id"), Text(rejected, "reason")));
        }

        Task<Reply> SendAsync(string path, string? reference, Guid? id, string? email)
        {
            var cart = new Dictionary<string, object?>
            {
                ["currency"] = "USD",
                ["customer_id"] = id,
                ["customer"] = email is null ? null : new { email },
                ["lines"] = (object[])
                    [
                        new
                        {
                            id = "1",
                            sku = "S",
                            unit_price = 1000,
                            quantity = 1,
                        },
                    ],
                ["explain"] = true,
            };
            if (reference is not null)
            {
                cart["reference"] = reference;
            }

            return Host.PostAsync("/api/v1/" + path, cart);
        }
    }

    [Fact]
    public async Task A_visitor_nobody_knows_may_buy_but_not_use_a_code()
    {
        await Given.CouponAsync("KNOWN");
        await Shop.PromotionAsync("fixed", "order", ("amount", 10));
        var reply = await Shop.RedeemAsync("I-1", null, ["KNOWN"], mode: "best_effort");
        Assert.Equal(10, Amount(reply, "discount"));
        Assert.Equal("customer_required", Text(reply.Json.GetProperty("rejected")[0], "reason"));
        Assert.Equal(400, (await Shop.RedeemAsync("I-2", Guid.CreateVersion7(), [])).Status);
    }

    [Fact]
    public async Task All_that_is_wrong_with_a_cart_is_told_at_once()
    {
        var reply = await Host.PostAsync(
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
        await foreach (var finding in new Verification(Host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, finding.Name + ": " + finding.Fault);
        }
    }

    private async Task<string?> StatusAsync(string reservation) =>
        Text((await Host.GetAsync("/api/v1/orders/reservations/" + reservation)).Json, "status");

    private Task<long> CountAsync(string table) => Host.Database.ScalarAsync<long>("select count(*) from " + table);

    private Task<long> UsesAsync(string code) =>
        Host.Database.ScalarAsync<long>(
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
