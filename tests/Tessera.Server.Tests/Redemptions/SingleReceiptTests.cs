using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

/// <summary>Receipts of single codes, which are made of their rows.</summary>
[Collection(PostgresCollection.Name)]
public sealed class SingleReceiptTests(PostgresFixture postgres) : ShopTests(postgres)
{
    [Fact]
    public async Task A_redemption_has_a_receipt_in_both_languages_that_computes_again_by_the_version_that_decided()
    {
        var coupon = await Given.CouponAsync("TEN");
        var used = await RedeemAsync("TEN", 5005);
        var id = used.Json.GetProperty("id").GetGuid();
        var english = await Host.GetAsync($"/api/v1/receipts/{id}?lang=en");
        Assert.Equal((200, "redemption"), (english.Status, english.Json.GetProperty("kind").GetString()));
        var verdict = english.Json.GetProperty("verdicts")[0];
        Assert.Equal(501, verdict.GetProperty("discount").GetInt64());
        Assert.Equal(1, verdict.GetProperty("version").GetInt32());
        Assert.Equal(
            [
                "A coupon takes 5.01 USD off the order, which cost 50.05 USD.",
                "Goods of 50.05 USD come to 45.04 USD with delivery and discounts.",
            ],
            Sentences(english)
        );
        var german = await Host.GetAsync($"/api/v1/receipts/{id}?lang=de");
        Assert.Equal("A coupon senkt die Bestellung von 50,05 USD um 5,01 USD.", Sentences(german)[0]);
        Assert.Null((await ReplayAsync(id)).Difference);

        // The coupon is another one since: the receipt is computed by what it was.
        var path = $"/api/v1/admin/coupons/{coupon}";
        var before = await Host.GetAsync(path);
        var changed = await Host.SendAsync(
            HttpMethod.Put,
            path,
            $$"""
            {"code":"TEN","internal_name":"Now five dollars","description":{"en":"Five"},"discount_type":"fixed_amount",
             "discount_value":5,"currency":"USD","valid_from":"{{before.Json.GetProperty(
                "valid_from"
            ).GetString()}}","max_discount_amount":3,"is_active":true}
            """,
            headers: new Dictionary<string, string> { ["If-Match"] = before.Header("ETag")! }
        );
        Assert.True(changed.Status == 200, changed.Body);
        Assert.Null((await ReplayAsync(id)).Difference);
        await Host.Database.ExecuteAsync("alter table redemptions.redemption disable trigger all");
        await Host.Database.ExecuteAsync("update redemptions.redemption set discount_minor = 400 where id = $1", id);
        Assert.Equal("discount: 400, now 501", (await ReplayAsync(id)).Difference);
    }

    [Fact]
    public async Task A_hold_has_a_receipt_also_when_it_is_a_part_of_a_cart()
    {
        await Given.CouponAsync("TEN");
        var (first, second) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var held = await Host.PostAsync("/api/v1/reservations", Body("TEN", 5005, first));
        var id = held.Json.GetProperty("id").GetGuid();
        var receipt = await Host.GetAsync($"/api/v1/receipts/{id}?lang=en");
        Assert.Equal((200, "reservation"), (receipt.Status, receipt.Json.GetProperty("kind").GetString()));
        Assert.Equal(501, receipt.Json.GetProperty("verdicts")[0].GetProperty("discount").GetInt64());
        Assert.Null((await ReplayAsync(id)).Difference);

        var refused = await Host.PostAsync("/api/v1/reservations", Body("TEN", 5005, first));
        Assert.Equal("user_limit_reached", refused.Code);
        var why = await Host.GetAsync(refused.Header("Location")! + "?lang=en");
        Assert.StartsWith(
            "TEN… does not apply: this customer has used it",
            Sentences(why)[0],
            StringComparison.Ordinal
        );

        var cart = await Shop.ReserveAsync("c", second, ["TEN"]);
        var part = await Host.Database.ScalarAsync<Guid>("select id from redemptions.promotion_hold");
        var whole = await Host.GetAsync($"/api/v1/receipts/{part}");
        Assert.Equal(cart.Json.GetProperty("receipt_id").GetString(), whole.Json.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_refusal_says_the_smallest_change_and_names_its_receipt()
    {
        await Given.CouponAsync("POOR", "minimum_order_minor", "5420");
        var refused = await RedeemAsync("POOR", 5000);
        Assert.Equal((409, "below_minimum"), (refused.Status, refused.Code));
        var change = refused.Json.GetProperty("change");
        Assert.Equal("spend_more", change.GetProperty("kind").GetString());
        Assert.Equal(420, change.GetProperty("amount").GetInt64());
        var receipt = await Host.GetAsync(refused.Header("Location")! + "?lang=en");
        Assert.Equal("refusal", receipt.Json.GetProperty("kind").GetString());
        Assert.Equal("POOR… does not apply: the order is too small. Spend 4.20 USD more.", Sentences(receipt)[0]);
        var german = await Host.GetAsync(refused.Header("Location")! + "?lang=de");
        Assert.Equal(
            "POOR… wird nicht angewandt: die Bestellung ist zu klein. Es fehlen 4,20 USD.",
            Sentences(german)[0]
        );

        var asked = await Host.PostAsync("/api/v1/validations", Body("POOR", 5000, await Given.CustomerAsync()));
        Assert.Equal(420, asked.Json.GetProperty("change").GetProperty("amount").GetInt64());
        var cart = await Shop.RedeemAsync("c", await Given.CustomerAsync(), ["POOR"]);
        Assert.Equal(4420, cart.Json.GetProperty("errors")[0].GetProperty("change").GetProperty("amount").GetInt64());
    }

    [Fact]
    public async Task A_code_nobody_may_know_of_has_a_receipt_that_tells_no_more_than_the_refusal()
    {
        await Given.CouponAsync("OFF");
        await Host.Database.ExecuteAsync("update coupons.coupon set is_active = false");
        using var shop = Host.ClientOf(await Host.KeyAsync(["redemptions.redeem", "receipts.read"]));
        foreach (var code in (string[])["OFF", "NOSUCH"])
        {
            var body = Body(code, 5000, await Given.CustomerAsync());
            var refused = await Host.PostAsync("/api/v1/redemptions", body, client: shop);
            Assert.Equal("coupon_not_valid", refused.Code);
            var receipt = await Host.GetAsync(refused.Header("Location")! + "?lang=en", shop);
            Assert.Equal(
                $"{code[..Math.Min(4, code.Length)]}… does not apply: it is not valid.",
                Sentences(receipt)[0]
            );
            Assert.DoesNotContain("coupon:", receipt.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_coupon_that_a_promotion_prices_is_redeemed_with_its_cart_within_the_limits_of_both()
    {
        await Midnight.TodayAsync();
        var coupon = await Given.CouponAsync("DAILY");
        var limits = System.Text.Json.Nodes.JsonNode.Parse(
            """[{"max": 1, "period": "day"}, {"max": 1, "channel": "web"}]"""
        )!;
        await Shop.PromotionAsync("percent", "order", ("percent", 20), ("coupon_id", coupon), ("limits", limits));
        var single = await RedeemAsync("DAILY", 1000);
        Assert.Equal((409, "needs_cart"), (single.Status, single.Code));
        Assert.Equal(201, (await Shop.RedeemAsync("1", await Given.CustomerAsync(), ["DAILY"])).Status);
        var second = await Shop.RedeemAsync("2", await Given.CustomerAsync(), ["DAILY"]);
        Assert.Equal([("codes.0", "limit_reached")], second.Errors);
    }

    [Fact]
    public async Task A_promotion_that_comes_to_price_a_coupon_while_its_code_is_decided_counts_and_waits_for_what_is_decided()
    {
        var coupon = await Given.CouponAsync("LATE");
        var made = await Host.PostAsync(
            "/api/v1/promotions",
            $$"""
            {"name":"Late","coupon_id":{{coupon}},"effects":[{"type":"percent","target":"order","percent":20}]}
            """
        );
        Assert.True(made.Status == 201, made.Body);
        await using (var work = await Host.Database.Database.BeginAsync(default))
        {
            await work.ExecuteAsync("select from coupons.coupon where id = $1 for update", [coupon], default);
            var use = RedeemAsync("LATE", 1000);
            await OneWaitsAsync();
            await work.ExecuteAsync("update promotions.promotion set state = 'active'", [], default);
            await work.CommitAsync(default);
            Assert.Equal("needs_cart", (await use).Code);
        }

        await Host.Database.ExecuteAsync("update promotions.promotion set state = 'inactive'");
        await using (var work = await Host.Database.Database.BeginAsync(default))
        {
            // As a use that is being decided holds it.
            await work.ExecuteAsync("select from coupons.coupon where id = $1 for share", [coupon], default);
            var on = Host.PostAsync(made.Header("Location") + "/activate");
            await OneWaitsAsync();
            Assert.Equal((201, false), ((await RedeemAsync("LATE", 1000)).Status, on.IsCompleted));
            await work.CommitAsync(default);
            Assert.Equal(200, (await on).Status);
        }

        Task OneWaitsAsync()
        {
            const string waiting =
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
            return Patience.UntilAsync(
                async () => await Host.Database.ScalarAsync<long>(waiting) > 0,
                "somebody who waits for the coupon"
            );
        }
    }

    private static string[] Sentences(Reply receipt) =>
        [.. receipt.Json.GetProperty("sentences").EnumerateArray().Select(static s => s.GetString()!)];

    private async Task<Receipts.Told> ReplayAsync(Guid id) =>
        (await Receipts.TellAsync(Host.Database.Database, id, german: false, replay: true, default))!;

    private async Task<Reply> RedeemAsync(string code, long amount) =>
        await Host.PostAsync("/api/v1/redemptions", Body(code, amount, await Given.CustomerAsync()));

    private static object Body(string code, long amount, Guid customer) =>
        new
        {
            code,
            customer_id = customer,
            order = new { reference = "A-1", amount = new { amount, currency = "USD" } },
        };
}
