using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

/// <summary>What a quote says of a cart.</summary>
[Collection(PostgresCollection.Name)]
public sealed class QuoteTests(PostgresFixture postgres) : QuotedTests(postgres)
{
    [Fact]
    public async Task Promotions_and_codes_price_a_cart_together_in_order_and_leave_nothing_behind()
    {
        await ActiveAsync(PromotionTests.Simple("Ten", 10));
        await Given.CouponAsync("HALF", "max_discount_minor, currency", "1000, 'EUR'");
        var before = await EventsAsync();
        var quote = await QuoteAsync(
            """
            {"currency":"EUR","codes":[" half "],"lines":[{"id":"1","sku":"a","unit_price":4000,"quantity":2}],
             "shipping":[{"id":"post","method":"std","amount":500}]}
            """
        );
        Assert.Equal((8000, 1800, 6700), (Of(quote, "subtotal"), Of(quote, "discount"), Of(quote, "payable")));
        var applied = quote.GetProperty("applied").EnumerateArray().ToArray();
        Assert.Equal([800, 1000], applied.Select(a => Of(a, "discount")));
        Assert.Equal(" half ", applied[1].GetProperty("code").GetString());
        Assert.Equal(1800, Of(quote.GetProperty("lines")[0], "order_discount"));
        var receipt = quote.GetProperty("receipt");
        Assert.Equal(2, receipt.GetProperty("steps").GetArrayLength());
        Assert.Equal(
            "Ten takes 8.00 EUR off the order at line 1, which cost 80.00 EUR.",
            receipt.GetProperty("sentences")[0].GetString()
        );
        Assert.Equal(before, await EventsAsync());
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select count(*) from promotions.receipt"));
    }

    [Fact]
    public async Task A_refusal_carries_its_layer_and_the_smallest_change_that_would_make_it_pass()
    {
        await Given.CouponAsync("BIG", "minimum_order_minor, currency", "8420, 'EUR'");
        await Given.CouponAsync(
            "SOON",
            "valid_from, currency",
            "date_trunc('day', clock_timestamp()) + interval '2 days', 'EUR'"
        );
        await ActiveAsync(
            """
            {"name":"Three","currency":"EUR","conditions":{"quantity":{"min":3},"any":[{"customer_groups":["vip"]},{"nth_order":1}]},
             "effects":[{"type":"fixed","target":"order","amount":500}]}
            """
        );
        var quote = await QuoteAsync(
            """
            {"currency":"EUR","codes":["BIG","SOON"],"customer":{"groups":["vip"]},
             "lines":[{"id":"1","sku":"a","unit_price":4000,"quantity":2}]}
            """
        );
        var rejected = quote
            .GetProperty("rejected")
            .EnumerateArray()
            .ToDictionary(r => r.TryGetProperty("code", out var code) ? code.GetString()! : "three");
        Assert.Equal(("below_minimum", "spend_more", 420), Shown(rejected["BIG"]));
        Assert.Equal(("below_quantity", "add_units", 1), Shown(rejected["three"]));
        Assert.Equal("quantity", rejected["three"].GetProperty("layer").GetString());
        var soon = rejected["SOON"];
        Assert.Equal(("not_started", "wait_until", 0), Shown(soon));
        Assert.EndsWith(
            "T00:00:00Z",
            soon.GetProperty("change").GetProperty("at").GetString(),
            StringComparison.Ordinal
        );
        var three = quote
            .GetProperty("receipt")
            .GetProperty("verdicts")
            .EnumerateArray()
            .Single(v => !v.TryGetProperty("code", out _));
        Assert.Equal(
            ["quantity below_quantity", "any[0].customer_groups ", "any[1].nth_order "],
            three
                .GetProperty("conditions")
                .EnumerateArray()
                .Select(c =>
                    $"{c.GetProperty("path").GetString()} {(c.TryGetProperty("reason", out var why) ? why.GetString() : "")}"
                )
        );

        static (string?, string?, long) Shown(JsonElement rejected)
        {
            var change = rejected.GetProperty("change");
            return (
                rejected.GetProperty("reason").GetString(),
                change.GetProperty("kind").GetString(),
                change.TryGetProperty("amount", out var amount) ? amount.GetInt64() : 0
            );
        }
    }

    [Fact]
    public async Task What_a_refusal_asks_for_makes_it_pass_and_nothing_less_does()
    {
        await Given.CouponAsync("BIG", "minimum_order_minor, currency", "8420, 'EUR'");
        await Given.CouponAsync("SOON", "valid_from, currency", "'2090-01-01T00:00:00Z', 'EUR'");
        var spring = await BoundAsync("SPRING", "a", 20);
        await BoundAsync("LOYAL", "b", 10);
        var quote = await PriceAsync(8000, ["big", "soon", "loyal", "spring"]);
        Assert.Equal(["SPRING"], Applied(quote));
        var rejected = quote
            .GetProperty("rejected")
            .EnumerateArray()
            .ToDictionary(r => r.GetProperty("code").GetString()!, r => r.GetProperty("change"));
        var missing = Of(rejected["big"], "amount");
        Assert.Equal(["BIG"], Applied(await PriceAsync(8000 + missing, ["BIG"])));
        Assert.Equal([], Applied(await PriceAsync(8000 + missing - 1, ["BIG"])));

        var begins = rejected["soon"].GetProperty("at").GetString()!;
        Assert.Equal("2090-01-01T00:00:00Z", begins);
        Assert.Equal(["SOON"], Applied(await PriceAsync(8000, ["SOON"], begins)));
        Assert.Equal([], Applied(await PriceAsync(8000, ["SOON"], "2089-12-31T23:59:59.999Z")));

        Assert.Equal("remove_code", rejected["loyal"].GetProperty("kind").GetString());
        Assert.Equal(spring, rejected["loyal"].GetProperty("subject").GetString());
        Assert.Contains(
            "loyal does not apply: another promotion takes its place. Leave out SPRING.",
            quote.GetProperty("receipt").GetProperty("sentences").EnumerateArray().Select(s => s.GetString())
        );
        Assert.Equal(["LOYAL"], Applied(await PriceAsync(8000, ["LOYAL"])));

        static IEnumerable<string> Applied(JsonElement quote) =>
            quote
                .GetProperty("applied")
                .EnumerateArray()
                .Select(a => a.GetProperty("code").GetString()!.ToUpperInvariant());

        async Task<string> BoundAsync(string code, string group, int percent)
        {
            var coupon = await Given.CouponAsync(code, "currency", "'EUR'");
            var more = $"\"coupon_id\": {coupon}, \"groups\": [\"{group}\"], \"apply_order\": {30 - percent},";
            return await ActiveAsync(PromotionTests.Simple(code, percent, more));
        }

        Task<JsonElement> PriceAsync(long amount, string[] codes, string? at = null) =>
            QuoteAsync(
                JsonSerializer.Serialize(
                    new
                    {
                        currency = "EUR",
                        at,
                        codes,
                        lines = (object[])
                            [
                                new
                                {
                                    id = "1",
                                    sku = "a",
                                    unit_price = amount,
                                    quantity = 1,
                                },
                            ],
                    }
                )
            );
    }

    [Fact]
    public async Task Who_may_not_know_a_code_learns_the_same_of_all_that_are_not_his()
    {
        var off = await Given.CouponAsync("OFF", "currency", "'EUR'");
        await Host.Database.ExecuteAsync("update coupons.coupon set is_active = false where id = $1", off);
        var owned = await Given.CouponAsync("OWNED", "currency", "'EUR'", kind: "unique");
        await Given.UnitAsync(owned, "OWNED-1", await Given.CustomerAsync());
        var (me, body) = (await Given.CustomerAsync(), new Dictionary<string, string>());
        using var shop = Host.ClientOf(await Host.KeyAsync(["quotes.price"]));
        foreach (var code in (string[])["OFF", "OWNED-1", "OWNED", "NOBODY", "!!"])
        {
            var reply = await Host.PostAsync(
                Path,
                $$"""
                {"currency":"EUR","codes":["{{code}}","{{code}}"],"customer_id":"{{me}}",
                 "lines":[{"id":"1","sku":"a","unit_price":4000,"quantity":2}],"at":null}
                """,
                client: shop
            );
            Assert.Equal(200, reply.Status);
            var at = reply.Json.GetProperty("at").GetString()!;
            body[code] = reply
                .Body.Replace(at, "", StringComparison.Ordinal)
                .Replace(code, "", StringComparison.Ordinal);
        }

        Assert.Single(body.Values.Distinct());
        Assert.Contains("coupon_not_valid", body["OFF"], StringComparison.Ordinal);
        var known = await QuoteAsync(
            """{"currency":"EUR","codes":["OFF"],"lines":[{"id":"1","sku":"a","unit_price":4000,"quantity":2}]}"""
        );
        Assert.Equal("inactive", known.GetProperty("rejected")[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Another_instant_is_for_those_with_the_right()
    {
        await ActiveAsync(PromotionTests.Simple("Later", 10, "\"valid_from\": \"2090-01-01T00:00:00Z\","));
        const string later =
            """{"currency":"EUR","at":"2090-01-01T00:00:00Z","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1}]}""";
        Assert.Equal(100, Of(await QuoteAsync(later), "discount"));
        using var shop = Host.ClientOf(await Host.KeyAsync(["quotes.price"]));
        Assert.Equal((403, "instant_not_allowed"), Code(await Host.PostAsync(Path, later, client: shop)));
        using var till = Host.ClientOf(await Host.KeyAsync(["quotes.price"], channels: ["till"]));
        const string web =
            """{"currency":"EUR","channel":"web","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1}]}""";
        Assert.Equal((403, "channel_not_allowed"), Code(await Host.PostAsync(Path, web, client: till)));

        static (int, string?) Code(Reply reply) => (reply.Status, reply.Code);
    }

    [Fact]
    public async Task A_promotion_bound_to_a_coupon_prices_its_codes_within_the_coupons_own_limits()
    {
        var coupon = await Given.CouponAsync("TWO", "max_uses_total, currency", "1, 'EUR'", kind: "unique");
        await Given.UnitAsync(coupon, "TWO-1");
        await Given.UnitAsync(coupon, "TWO-2");
        await ActiveAsync(
            $$"""
            {"name":"Third free","coupon_id":{{coupon}},"effects":[{"type":"buy_get","target":"lines",
             "buy":{"quantity":2},"get":{"quantity":1},"max_applications":1}]}
            """
        );
        var quote = await QuoteAsync(
            """
            {"currency":"EUR","codes":["TWO-1","TWO-2"],"lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":6}]}
            """
        );
        Assert.Equal((1000, 1), (Of(quote, "discount"), quote.GetProperty("applied").GetArrayLength()));
        Assert.Equal("limit_reached", quote.GetProperty("rejected")[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task The_best_combination_is_found_and_what_was_dropped_is_named()
    {
        await ActiveAsync(PromotionTests.Simple("Alone", 25, "\"groups\": [\"a\"],"));
        await ActiveAsync(PromotionTests.Simple("First", 20, "\"groups\": [\"b\"],"));
        await ActiveAsync(PromotionTests.Simple("Second", 20, "\"groups\": [\"b\"],"));
        JsonElement quote = default;
        await Patience.UntilAsync(
            async () =>
            {
                quote = await QuoteAsync(
                    """
                    {"currency":"EUR","selection":"best_combination","within_ms":2000,
                     "lines":[{"id":"1","sku":"a","unit_price":10000,"quantity":1}]}
                    """
                );
                return quote.GetProperty("is_best").GetBoolean();
            },
            "a search that the machine left its time"
        );
        Assert.Equal(3600, Of(quote, "discount"));
        Assert.Equal("not_stackable", quote.GetProperty("rejected")[0].GetProperty("reason").GetString());
    }
}
