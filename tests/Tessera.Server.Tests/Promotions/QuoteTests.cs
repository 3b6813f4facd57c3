using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

[Collection(PostgresCollection.Name)]
public sealed class QuoteTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/quotes";

    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Promotions_and_codes_price_a_cart_together_in_order_and_leave_nothing_behind()
    {
        await ActiveAsync(PromotionTests.Simple("Ten", 10));
        await _given.CouponAsync("HALF", "max_discount_minor, currency", "1000, 'EUR'");
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
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from promotions.receipt"));
    }

    [Fact]
    public async Task A_refusal_carries_its_layer_and_the_smallest_change_that_would_make_it_pass()
    {
        await _given.CouponAsync("BIG", "minimum_order_minor, currency", "8420, 'EUR'");
        await _given.CouponAsync(
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
    public async Task Who_may_not_know_a_code_learns_the_same_of_all_that_are_not_his()
    {
        var off = await _given.CouponAsync("OFF", "currency", "'EUR'");
        await _host.Database.ExecuteAsync("update coupons.coupon set is_active = false where id = $1", off);
        var owned = await _given.CouponAsync("OWNED", "currency", "'EUR'", kind: "unique");
        await _given.UnitAsync(owned, "OWNED-1", await _given.CustomerAsync());
        var (me, body) = (await _given.CustomerAsync(), new Dictionary<string, string>());
        using var shop = _host.ClientOf(await _host.KeyAsync(["quotes.price"]));
        foreach (var code in (string[])["OFF", "OWNED-1", "OWNED", "NOBODY", "!!"])
        {
            var reply = await _host.PostAsync(
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
        using var shop = _host.ClientOf(await _host.KeyAsync(["quotes.price"]));
        Assert.Equal((403, "instant_not_allowed"), Code(await _host.PostAsync(Path, later, client: shop)));
        using var till = _host.ClientOf(await _host.KeyAsync(["quotes.price"], channels: ["till"]));
        const string web =
            """{"currency":"EUR","channel":"web","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1}]}""";
        Assert.Equal((403, "channel_not_allowed"), Code(await _host.PostAsync(Path, web, client: till)));

        static (int, string?) Code(Reply reply) => (reply.Status, reply.Code);
    }

    [Fact]
    public async Task A_promotion_bound_to_a_coupon_prices_its_codes_within_the_coupons_own_limits()
    {
        var coupon = await _given.CouponAsync("TWO", "max_uses_total, currency", "1, 'EUR'", kind: "unique");
        await _given.UnitAsync(coupon, "TWO-1");
        await _given.UnitAsync(coupon, "TWO-2");
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
    public async Task Bad_carts_are_refused_by_field_and_reason_in_bounded_time()
    {
        (string Body, string Field, string Code)[] cases =
        [
            (Cart("""[]"""), "lines", "required"),
            (Cart(Lines(10_000)), "lines", "too_many"),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":9007199254740991,"quantity":2}]"""),
                "lines",
                "amount_too_large"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":92233720368547758070,"quantity":2}]"""),
                "lines.0.unit_price",
                "not_an_integer"
            ),
            (Cart("""[{"id":"1","sku":"a","unit_price":-1,"quantity":1}]"""), "lines.0.unit_price", "out_of_range"),
            (Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":0}]"""), "lines.0.quantity", "out_of_range"),
            (Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":2000000}]"""), "lines", "too_many_units"),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":1,"currency":"USD"}]"""),
                "lines.0.currency",
                "mixed_currencies"
            ),
            (
                Cart(
                    """[{"id":"1","sku":"a","unit_price":1,"quantity":1},{"id":"1","sku":"b","unit_price":1,"quantity":1}]"""
                ),
                "lines.1.id",
                "duplicate"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":1,"weight":5}]"""),
                "lines.0.weight",
                "unknown_member"
            ),
            (
                Cart(
                    """[{"id":"1","sku":"a","unit_price":1,"quantity":1}]""",
                    $"\"codes\":[{string.Join(',', Enumerable.Repeat("\"A\"", 31))}],"
                ),
                "codes",
                "too_many"
            ),
            (
                Cart(
                    """[{"id":"1","sku":"a","unit_price":1,"quantity":1}]""",
                    "\"customer_id\":\"01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e\","
                ),
                "customer_id",
                "unknown_customer"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":1}]""", "\"customer\":{\"shoe_size\":44},"),
                "customer.shoe_size",
                "unknown_member"
            ),
        ];
        foreach (var (body, field, code) in cases)
        {
            var reply = await _host.PostAsync(Path, body);
            Assert.True(400 == reply.Status, $"{field} {code}: {reply.Status}");
            Assert.Contains((field, code), reply.Errors);
            if (code == "unknown_customer")
            {
                continue;
            }

            // One reader of carts: a redemption refuses the same fields for the same reasons.
            var order = await _host.PostAsync("/api/v1/orders/redemptions", "{\"reference\":\"R1\"," + body[1..]);
            Assert.Equal(reply.Errors, order.Errors);
        }

        var deep = Cart(
            """[{"id":"1","sku":"a","unit_price":1,"quantity":1}]""",
            "\"x\":" + new string('[', 100) + new string(']', 100) + ","
        );
        Assert.Equal(
            [("x" + string.Concat(Enumerable.Repeat(".0", 31)), "too_deep")],
            (await _host.PostAsync(Path, deep)).Errors
        );

        static string Cart(string lines, string more = "") => $$"""{"currency":"EUR",{{more}}"lines":{{lines}}}""";

        static string Lines(int count)
        {
            var lines = new StringBuilder("[");
            for (var i = 0; i < count; i++)
            {
                lines
                    .Append(i == 0 ? "" : ",")
                    .Append("{\"id\":\"")
                    .Append(i)
                    .Append("\",\"sku\":\"a\",\"unit_price\":1,\"quantity\":1}");
            }

            return lines.Append(']').ToString();
        }
    }

    [Fact]
    public async Task The_best_combination_is_found_and_what_was_dropped_is_named()
    {
        await ActiveAsync(PromotionTests.Simple("Alone", 25, "\"groups\": [\"a\"],"));
        await ActiveAsync(PromotionTests.Simple("First", 20, "\"groups\": [\"b\"],"));
        await ActiveAsync(PromotionTests.Simple("Second", 20, "\"groups\": [\"b\"],"));
        var quote = await QuoteAsync(
            """
            {"currency":"EUR","selection":"best_combination","within_ms":2000,
             "lines":[{"id":"1","sku":"a","unit_price":10000,"quantity":1}]}
            """
        );
        Assert.Equal(3600, Of(quote, "discount"));
        Assert.True(quote.GetProperty("is_best").GetBoolean());
        Assert.Equal("not_stackable", quote.GetProperty("rejected")[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Drafts_are_priced_on_example_carts_without_being_saved()
    {
        await ActiveAsync(PromotionTests.Simple("Ten", 10));
        const string carts = """
            "carts":[{"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1}]},
                {"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":9000,"quantity":1}]}]
            """;
        const string promotion = """
            "promotion":{"name":"Draft","currency":"EUR","valid_from":"2090-01-01T00:00:00Z",
                "conditions":{"subtotal":{"amount":5000}},"effects":[{"type":"fixed","target":"order","amount":500}]}
            """;
        var both = await _host.PostAsync(Path + "/preview", $"{{{promotion},{carts}}}");
        Assert.True(both.Status == 200, both.Body);
        Assert.Equal([100, 1400], Discounts(both));
        var alone = await _host.PostAsync(Path + "/preview", $"{{\"alone\":true,{promotion},{carts}}}");
        Assert.Equal([0, 500], Discounts(alone));
        const string coupon = """
            "coupon":{"code":"SPRING","valid_from":"2090-01-01","discount_type":"percentage","discount_value":20,"max_discount_amount":15,"currency":"EUR"}
            """;
        var priced = await _host.PostAsync(Path + "/preview", $"{{\"alone\":true,{coupon},{carts}}}");
        Assert.Equal([200, 1500], Discounts(priced));
        const string sessions = """
            "carts":[{"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1,"service":"30_for_30"}]},
                {"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1,"service":"book_a_meeting"}]}]
            """;
        var bound = coupon.Replace(
            "\"code\"",
            "\"applicable_to\":\"book_a_meeting\",\"code\"",
            StringComparison.Ordinal
        );
        var booked = await _host.PostAsync(Path + "/preview", $"{{\"alone\":true,{bound},{sessions}}}");
        Assert.True(booked.Status == 200, booked.Body);
        Assert.Equal([0, 200], Discounts(booked));
        Assert.Equal([("promotion", "required")], (await _host.PostAsync(Path + "/preview", $"{{{carts}}}")).Errors);
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from promotions.promotion"));

        static IEnumerable<long> Discounts(Reply reply) =>
            reply.Status != 200
                ? throw new InvalidOperationException(reply.Body)
                : reply.Json.GetProperty("quotes").EnumerateArray().Select(q => Of(q, "discount"));
    }

    [Fact]
    public async Task A_kept_receipt_is_read_in_both_languages_and_computes_again_to_the_same()
    {
        await ActiveAsync(PromotionTests.Simple("Ten", 10));
        await _given.CouponAsync("BIG", "minimum_order_minor, currency", "10420, 'EUR'");
        var quote = await QuoteAsync(
            """
            {"currency":"EUR","keep":true,"codes":["BIG","NOBODY"],
             "lines":[{"id":"1","sku":"a","unit_price":10000,"quantity":1}]}
            """
        );
        var id = quote.GetProperty("receipt").GetProperty("id").GetGuid();
        var german = await _host.GetAsync($"/api/v1/receipts/{id}?lang=de");
        Assert.Equal(
            [
                "Ten senkt die Bestellung um 10,00 EUR bei Position 1, die 100,00 EUR kostete.",
                "NOBODY wird nicht angewandt: diesen Code gibt es nicht.",
                "BIG wird nicht angewandt: die Bestellung ist zu klein. Es fehlen 4,20 EUR.",
                "Waren für 100,00 EUR kosten mit Lieferung und Rabatten 90,00 EUR.",
            ],
            german.Json.GetProperty("sentences").EnumerateArray().Select(s => s.GetString())
        );
        using var reader = _host.ClientOf(await _host.KeyAsync(["receipts.read"]));
        var english = await _host.SendAsync(
            HttpMethod.Get,
            $"/api/v1/receipts/{id}",
            client: reader,
            headers: new Dictionary<string, string> { ["Accept-Language"] = "fr, en;q=0.5" }
        );
        Assert.Contains("NOBODY does not apply: it is not valid.", english.Body, StringComparison.Ordinal);

        // Changed and switched off meanwhile: the receipt still names what decided.
        await _host.Database.ExecuteAsync("update promotions.promotion set state = 'inactive'");
        await using var work = await _host.Database.Database.BeginAsync(default);
        var stored = await ReceiptStore.FindAsync(work, id, null, default);
        var replayed = await Replaying.RunAsync(work, stored!, default);
        Assert.Null(replayed.Difference);
        var database = _host.Database.Database;
        Assert.Equal(0, await Cli.Commands.ReceiptCommand.RunAsync(database, id, german: false, replay: true, default));
        var none = Guid.CreateVersion7();
        Assert.Equal(
            2,
            await Cli.Commands.ReceiptCommand.RunAsync(database, none, german: true, replay: false, default)
        );
        Assert.Equal(404, (await _host.GetAsync("/api/v1/receipts/" + Guid.CreateVersion7())).Status);
    }

    [Fact]
    public void A_price_is_written_as_it_is_described()
    {
        var change = new SmallestChange("wait_until", 5, DateTimeOffset.UnixEpoch, "p");
        var whole = QuoteSamples.Answer with
        {
            IsBest = true,
            Applied = [new QuotedPromotion("p", 2, 300, "ÄCODE"), new QuotedPromotion("q", 1, 5)],
            Rejected =
            [
                new QuoteRejection("expired", "\"A\"", "p", "window", change),
                new QuoteRejection("below_minimum", Change: new SmallestChange("spend_more", 420)),
            ],
        };
        foreach (var answer in (QuoteAnswer[])[whole, whole with { Receipt = null, IsBest = null, Rejected = [] }])
        {
            using var written = new MemoryStream();
            using (var json = new Utf8JsonWriter(written, new JsonWriterOptions { Encoder = Wire.Json.Encoder }))
            {
                QuoteWriting.Write(json, answer);
            }

            Assert.Equal(JsonSerializer.Serialize(answer, Wire.Json), Encoding.UTF8.GetString(written.ToArray()));
        }
    }

    private async Task<JsonElement> QuoteAsync(string body)
    {
        var reply = await _host.PostAsync(Path, body);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json;
    }

    private async Task ActiveAsync(string definition)
    {
        var made = await _host.PostAsync("/api/v1/promotions", definition);
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal(200, (await _host.PostAsync(made.Header("Location") + "/activate")).Status);
        // The change is heard a moment after it is committed; a book that is too old is told by its stamp.
        var catalogue = _host.Services.GetRequiredService<PromotionCatalogue>();
        var stamp = await _host.Database.ScalarAsync<long>("select max(stamp) from promotions.stamp");
        for (var i = 0; i < 100 && (await catalogue.BookAsync(null, default)).Stamp < stamp; i++)
        {
            await Task.Delay(20);
        }
    }

    private Task<long> EventsAsync() => _host.Database.ScalarAsync<long>("select count(*) from platform.event");

    private static long Of(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
