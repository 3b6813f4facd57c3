using System.Text.Json;
using Tessera.Server.Audit;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

/// <summary>CMP-01: what stands in for a coupon that is exhausted or not eligible.</summary>
[Collection(PostgresCollection.Name)]
public sealed class FallbackTests(PostgresFixture postgres) : ShopTests(postgres)
{
    [Fact]
    public async Task At_the_edge_of_exhaustion_each_use_is_of_one_of_the_two_and_neither_passes_its_own_limit()
    {
        var (primary, fallback) = await PairAsync("max_uses_total", "5", "max_uses_total", "7");
        var customers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Given.CustomerAsync()));
        var replies = await Task.WhenAll(
            customers.Select(
                (c, i) =>
                    i % 3 == 0
                        ? Shop.RedeemAsync("O-" + i, c, ["BIG"])
                        : Host.PostAsync("/api/v1/redemptions", Body("BIG", c, "S-" + i))
            )
        );
        Assert.Equal(12, replies.Count(r => r.Status == 201));
        Assert.All(
            replies.Where(r => r.Status != 201),
            r => Assert.True(r.Code is "limit_reached" or "codes_refused", r.Body)
        );
        Assert.Equal((5, 0), await UsesAsync(primary));
        Assert.Equal((7, 7), await UsesAsync(fallback));
        Assert.Equal(2, await CountAsync("platform.event where type = 'coupon.limit_reached'"));
        Assert.Equal(7, await CountAsync($"platform.event where payload ->> 'fallback_for' = '{primary}'"));
        await foreach (var finding in new Verification(Host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, finding.Name + ": " + finding.Fault);
        }
    }

    [Fact]
    public async Task A_single_code_says_what_stands_in_and_holds_it()
    {
        var (primary, fallback) = await PairAsync("max_uses_total", "1");
        var (a, b) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var first = await Host.PostAsync("/api/v1/redemptions", Body("BIG", a, "1"));
        Assert.Equal((201, 500L), (first.Status, first.Json.GetProperty("discount").GetProperty("amount").GetInt64()));
        Assert.False(first.Json.TryGetProperty("fallback_for", out _));

        var asked = await Host.PostAsync("/api/v1/validations", Body("BIG", b, "2"));
        Assert.True(asked.Json.TryGetProperty("coupon_id", out _), asked.Body);
        AssertStandsIn(asked.Json, primary, fallback);
        var held = await Host.PostAsync("/api/v1/reservations", Body("BIG", b, "2"));
        Assert.Equal(201, held.Status);
        AssertStandsIn(held.Json, primary, fallback);
        var id = held.Json.GetProperty("id").GetString();
        var used = await Host.PostAsync("/api/v1/redemptions", Body("BIG", b, "2", id));
        Assert.True(used.Status == 201, used.Body);
        AssertStandsIn(used.Json, primary, fallback);

        // Without its key the same order has no second effect, although the code is another coupon's.
        Assert.Equal("already_redeemed", (await Host.PostAsync("/api/v1/redemptions", Body("BIG", b, "2"))).Code);
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(pending)::bigint from balances.account"));
    }

    [Fact]
    public async Task Whoever_is_not_eligible_for_the_first_gets_the_second_and_is_told_what_the_first_asks_for()
    {
        var (primary, _) = await PairAsync("minimum_order_minor", "2000", "max_uses_per_user", "2");
        var customer = await Given.CustomerAsync();
        var single = await Host.PostAsync("/api/v1/redemptions", Body("BIG", customer, "1"));
        Assert.True(single.Status == 201, single.Body);
        Assert.Equal("below_minimum", single.Json.GetProperty("fallback_for").GetProperty("reason").GetString());
        var cart = await Shop.RedeemAsync("2", customer, ["BIG"]);
        Assert.True(cart.Status == 201, cart.Body);
        Assert.Equal(
            "BIG does not apply: the order is too small. Spend 10.00 USD more. A coupon stands in for it.",
            (await ReceiptAsync(cart)).Sentences[0]
        );

        // The second has terms of its own; and nothing stands in for what is switched off.
        var third = await Host.PostAsync("/api/v1/redemptions", Body("BIG", customer, "3"));
        Assert.Equal("below_minimum", third.Code);
        await Host.Database.ExecuteAsync("update coupons.coupon set is_active = false where id = $1", primary);
        var other = await Given.CustomerAsync();
        Assert.Equal("inactive", (await Host.PostAsync("/api/v1/redemptions", Body("BIG", other, "4"))).Code);
        Assert.Equal([("codes.0", "inactive")], (await Shop.RedeemAsync("5", other, ["BIG"])).Errors);
    }

    [Fact]
    public async Task A_code_keeps_its_own_reason_when_what_stands_in_gives_nothing_either()
    {
        await PairAsync("max_uses_total", "1", "minimum_order_minor", "900000");
        await Host.PostAsync("/api/v1/redemptions", Body("BIG", await Given.CustomerAsync(), "1"));
        var customer = await Given.CustomerAsync();
        Assert.Equal("limit_reached", (await Host.PostAsync("/api/v1/redemptions", Body("BIG", customer, "2"))).Code);
        Assert.Equal([("codes.0", "limit_reached")], (await Shop.RedeemAsync("3", customer, ["BIG"])).Errors);
    }

    [Fact]
    public async Task A_quote_a_hold_and_an_order_say_what_stands_in_and_the_receipt_is_computed_again()
    {
        var (primary, fallback) = await PairAsync("max_uses_total", "1");
        await Host.PostAsync("/api/v1/redemptions", Body("BIG", await Given.CustomerAsync(), "1"));
        var customer = await Given.CustomerAsync();
        var quote = await Host.PostAsync(
            "/api/v1/quotes",
            new
            {
                currency = "USD",
                customer_id = customer,
                codes = (string[])["big"],
                lines = (object[])
                    [
                        new
                        {
                            id = "l0",
                            sku = "SKU0",
                            unit_price = 1000,
                            quantity = 1,
                        },
                    ],
            }
        );
        Assert.True(quote.Status == 200, quote.Body);
        AssertApplied(quote.Json, primary, fallback);
        Assert.Contains(
            quote.Json.GetProperty("receipt").GetProperty("sentences").EnumerateArray(),
            s => s.GetString() == "big is exhausted, as all its uses are taken; A coupon stands in for it."
        );

        var held = await Shop.ReserveAsync("2", customer, ["BIG"]);
        Assert.True(held.Status == 201, held.Body);
        AssertApplied(held.Json, primary, fallback);
        var order = await Shop.RedeemAsync(
            "2",
            customer,
            ["BIG"],
            reservation: held.Json.GetProperty("id").GetString()
        );
        Assert.True(order.Status == 201, order.Body);
        AssertApplied(order.Json, primary, fallback);
        Assert.Equal((1, 1), await UsesAsync(fallback));
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(pending)::bigint from balances.account"));

        foreach (var answer in (Reply[])[held, order])
        {
            var told = await ReceiptAsync(answer, german: true);
            Assert.Equal(
                "BIG ist erschöpft, denn alle Einlösungen sind vergeben; stattdessen gilt A coupon.",
                told.Sentences[0]
            );
        }
    }

    [Fact]
    public async Task A_spent_budget_lets_the_fallback_of_the_campaign_or_of_another_stand_in()
    {
        await Host.Database.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, budget_minor, budget_currency, created_by)
            values ('spring', 'Spring', '2020-01-01', 600, 'USD', 'job:test')
            """
        );
        var primary = await Given.CouponAsync(
            "BIG",
            Columns + ", campaign_id, campaign_role",
            Half + ", 'spring', 'primary'"
        );
        var same = await Given.CouponAsync("SAME", "campaign_id, campaign_role", "'spring', 'fallback'");
        var other = await Given.CouponAsync("OTHER");
        await Host.PostAsync("/api/v1/redemptions", Body("BIG", await Given.CustomerAsync(), "1"));

        // 100 of the budget are left: enough for ten percent, which the campaign's own fallback gives, once.
        var second = await Host.PostAsync("/api/v1/redemptions", Body("BIG", await Given.CustomerAsync(), "2"));
        Assert.Equal(same, second.Json.GetProperty("coupon_id").GetInt64());
        Assert.Equal("budget_exhausted", second.Json.GetProperty("fallback_for").GetProperty("reason").GetString());
        var third = await Host.PostAsync("/api/v1/redemptions", Body("BIG", await Given.CustomerAsync(), "3"));
        Assert.Equal("budget_exhausted", third.Code);
        var link = await Host.GetAsync($"/api/v1/admin/coupons/{primary}/fallback");
        Assert.Equal("campaign", link.Json.GetProperty("source").GetString());

        await NameAsync(primary, other);
        var fourth = await Host.PostAsync("/api/v1/redemptions", Body("BIG", await Given.CustomerAsync(), "4"));
        Assert.Equal(other, fourth.Json.GetProperty("coupon_id").GetInt64());
    }

    [Fact]
    public async Task What_a_promotion_of_its_own_has_used_up_is_stood_in_for()
    {
        var (primary, fallback) = await PairAsync("", "");
        await Shop.PromotionAsync("percent", "order", ("percent", 20), ("coupon_id", primary), ("stock", 1));
        var first = await Shop.RedeemAsync("1", await Given.CustomerAsync(), ["BIG"]);
        Assert.True(first.Status == 201, first.Body);
        Assert.Equal(200, first.Json.GetProperty("discount").GetProperty("amount").GetInt64());
        var second = await Shop.RedeemAsync("2", await Given.CustomerAsync(), ["BIG"]);
        Assert.True(second.Status == 201, second.Body);
        var applied = second.Json.GetProperty("applied")[0];
        Assert.Equal("coupon:" + fallback, applied.GetProperty("promotion_id").GetString());
        Assert.Equal("out_of_stock", applied.GetProperty("fallback_for").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task One_fallback_stands_in_for_one_code_of_a_cart()
    {
        var (_, fallback) = await PairAsync("max_uses_total", "1", "max_uses_per_user", "5");
        var twin = await Given.CouponAsync("TWIN", "max_uses_total", "1");
        await NameAsync(twin, fallback);
        var first = await Shop.RedeemAsync("1", await Given.CustomerAsync(), ["BIG", "TWIN"]);
        Assert.True(first.Status == 201, first.Body);
        var second = await Shop.RedeemAsync("2", await Given.CustomerAsync(), ["BIG", "TWIN"], mode: "best_effort");
        Assert.True(second.Status == 201, second.Body);
        Assert.Equal(
            "BIG",
            Assert.Single(second.Json.GetProperty("applied").EnumerateArray()).GetProperty("code").GetString()
        );
        Assert.Equal(
            "TWIN",
            Assert.Single(second.Json.GetProperty("rejected").EnumerateArray()).GetProperty("code").GetString()
        );
    }

    [Fact]
    public async Task Cycles_chains_and_what_cannot_stand_in_are_refused_when_named()
    {
        var (primary, fallback) = await PairAsync("", "");
        var third = await Given.CouponAsync("THIRD");
        var euros = await Given.CouponAsync("EUROS", "currency", "'EUR'");
        var units = await Given.CouponAsync("UNITS", kind: "unique");
        Assert.Equal("is_itself", await WhyNotAsync(third, third));
        Assert.Equal("unknown_coupon", await WhyNotAsync(third, 4711));
        Assert.Equal("wrong_currency", await WhyNotAsync(third, euros));
        Assert.Equal("needs_shared_code", await WhyNotAsync(third, units));
        Assert.Equal("needs_shared_code", await WhyNotAsync(units, third));

        // The one names the other already: a chain from above, one from below, and the shortest cycle.
        Assert.Equal("has_fallback", await WhyNotAsync(third, primary));
        Assert.Equal("is_fallback", await WhyNotAsync(fallback, third));
        Assert.Equal("has_fallback", await WhyNotAsync(fallback, primary));

        var other = await Given.CouponAsync("OTHER");
        var race = await Task.WhenAll(SetAsync(third, other), SetAsync(other, third));
        Assert.Single(race, r => r.Status == 200);

        var missing = await Host.SendAsync(HttpMethod.Put, Path(third), "{}", headers: Etag("*"));
        Assert.Equal([("fallback_coupon_id", "required")], missing.Errors);
        var blind = await Host.SendAsync(HttpMethod.Put, Path(third), "{\"fallback_coupon_id\":null}");
        Assert.Equal(428, blind.Status);
    }

    [Fact]
    public async Task Naming_what_stands_in_is_a_version_with_an_event_and_can_be_taken_back()
    {
        var (primary, fallback) = await PairAsync("", "");
        var link = await Host.GetAsync(Path(primary));
        Assert.Equal(fallback, link.Json.GetProperty("fallback_coupon_id").GetInt64());
        Assert.Equal("\"2\"", link.Header("ETag"));
        Assert.Equal(
            200,
            (await Host.SendAsync(HttpMethod.Put, Path(primary), Named(fallback), headers: Etag("\"2\""))).Status
        );
        Assert.Equal(1, await CountAsync("platform.event where type = 'coupon.fallback_changed'"));
        var stale = await Host.SendAsync(
            HttpMethod.Put,
            Path(primary),
            "{\"fallback_coupon_id\":null}",
            headers: Etag("\"1\"")
        );
        Assert.Equal(412, stale.Status);
        var none = await Host.SendAsync(
            HttpMethod.Put,
            Path(primary),
            "{\"fallback_coupon_id\":null}",
            headers: Etag("\"2\"")
        );
        Assert.Equal((200, "none"), (none.Status, none.Json.GetProperty("source").GetString()));
        Assert.Equal(2, await CountAsync("platform.event where type = 'coupon.fallback_changed'"));
    }

    private const string Columns = "max_discount_minor";
    private const string Half = "100000";

    /// <summary>BIG takes half, and names SMALL, which takes a tenth.</summary>
    private async Task<(long Primary, long Fallback)> PairAsync(
        string columns,
        string values,
        string ofFallback = "",
        string valuesOfFallback = ""
    )
    {
        var comma = columns.Length == 0 ? "" : ", ";
        var primary = await Given.CouponAsync("BIG", Columns + comma + columns, Half + comma + values);
        var fallback = await Given.CouponAsync("SMALL", ofFallback, valuesOfFallback);
        await NameAsync(primary, fallback);
        return (primary, fallback);
    }

    private async Task NameAsync(long coupon, long fallback)
    {
        var named = await SetAsync(coupon, fallback);
        Assert.True(named.Status == 200, named.Body);
    }

    private Task<Reply> SetAsync(long coupon, long fallback) =>
        Host.SendAsync(HttpMethod.Put, Path(coupon), Named(fallback), headers: Etag("*"));

    private async Task<string> WhyNotAsync(long coupon, long fallback)
    {
        var reply = await SetAsync(coupon, fallback);
        Assert.Equal(400, reply.Status);
        return string.Join(',', reply.Errors.Select(e => e.Code));
    }

    /// <summary>The receipt of a cart, which comes out the same when it is computed again.</summary>
    private async Task<Receipts.Told> ReceiptAsync(Reply answer, bool german = false)
    {
        var id = answer.Json.GetProperty("receipt_id").GetGuid();
        var told = await Receipts.TellAsync(Host.Database.Database, id, german, replay: true, default);
        Assert.Null(told!.Difference);
        return told;
    }

    private static string Path(long coupon) => $"/api/v1/admin/coupons/{coupon}/fallback";

    private static string Named(long fallback) => $"{{\"fallback_coupon_id\":{fallback}}}";

    private static Dictionary<string, string> Etag(string tag) => new() { ["If-Match"] = tag };

    private static void AssertStandsIn(JsonElement use, long primary, long fallback)
    {
        Assert.Equal(fallback, use.GetProperty("coupon_id").GetInt64());
        Assert.Equal(100, use.GetProperty("discount").GetProperty("amount").GetInt64());
        Assert.Equal(primary, use.GetProperty("fallback_for").GetProperty("coupon_id").GetInt64());
        Assert.Equal("limit_reached", use.GetProperty("fallback_for").GetProperty("reason").GetString());
    }

    private static void AssertApplied(JsonElement cart, long primary, long fallback)
    {
        var applied = Assert.Single(cart.GetProperty("applied").EnumerateArray());
        Assert.Equal("coupon:" + fallback, applied.GetProperty("promotion_id").GetString());
        Assert.Equal(100, applied.GetProperty("discount").GetInt64());
        Assert.Equal("coupon:" + primary, applied.GetProperty("fallback_for").GetProperty("promotion_id").GetString());
        Assert.Equal("limit_reached", applied.GetProperty("fallback_for").GetProperty("reason").GetString());
    }

    /// <summary>Standing redemptions of a coupon, and how many of them stood in for another.</summary>
    private async Task<(long, long)> UsesAsync(long coupon) =>
        (
            await CountAsync($"redemptions.redemption where coupon_id = {coupon} and rolled_back_at is null"),
            await CountAsync(
                $"redemptions.redemption r join redemptions.stand_in s on s.attempt_id = r.id where r.coupon_id = {coupon}"
            )
        );

    private Task<long> CountAsync(string what) => Host.Database.ScalarAsync<long>("select count(*) from " + what);

    private static object Body(string code, Guid customer, string reference, string? reservation = null)
    {
        var body = new Dictionary<string, object>
        {
            ["code"] = code,
            ["customer_id"] = customer,
            ["order"] = new { reference, amount = new { amount = 1000, currency = "USD" } },
        };
        if (reservation is not null)
        {
            body["reservation_id"] = reservation;
        }

        return body;
    }
}
