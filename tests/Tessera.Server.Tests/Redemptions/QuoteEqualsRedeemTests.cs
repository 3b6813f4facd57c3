using System.Globalization;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Tessera.Server.Tests.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

[Collection(PostgresCollection.Name)]
public sealed class QuoteEqualsRedeemTests(PostgresFixture postgres)
{
    private const int Cases = 40;

    /// <summary>Promotions of every kind, some of which run out while the property is tried.</summary>
    private static readonly string[] Promotions =
    [
        """{"name":"Ten","effects":[{"type":"percent","target":"order","percent":7.5}]}""",
        """{"name":"Each","currency":"EUR","max_uses_total":9,"effects":[{"type":"fixed","target":"lines","amount":33,"allocation":"each_unit","filter":{"categories":["c1"]}}]}""",
        """{"name":"Own","currency":"EUR","max_uses_per_user":2,"effects":[{"type":"fixed","target":"order","amount":150}]}""",
        """{"name":"Budget","currency":"EUR","budget":{"type":"spend","limit":900,"on_overflow":"clip"},"effects":[{"type":"percent","target":"lines","percent":20,"filter":{"skus":["s2"]}}]}""",
        """{"name":"Bundle","currency":"EUR","effects":[{"type":"bundle_price","target":"lines","quantity":3,"amount":1000,"filter":{"categories":["c2"]}}]}""",
        """{"name":"First","conditions":{"nth_order":1},"effects":[{"type":"percent","target":"shipping","percent":100}]}""",
        """{"name":"Regular","currency":"EUR","limits":[{"max":12,"period":"day"}],"conditions":{"attributes":[{"name":"orders","min":3}]},"effects":[{"type":"fixed","target":"order","amount":99}]}""",
        """{"name":"Stock","stock":5,"effects":[{"type":"buy_get","target":"lines","buy":{"quantity":1},"get":{"quantity":1,"percent":50}}]}""",
    ];

    private static readonly string[] Codes =
    [
        "half",
        "MIN",
        "TWICE",
        "FEW",
        "FIRST",
        "DOLLAR",
        "OFF",
        "NOBODY",
        "BOUND",
        "BOUND",
        "unit-1",
        "UNIT-2",
        "LONE",
        "GROUP-A",
        "GROUP-B",
        "CUT",
        "CUT",
    ];

    /// <summary>One cart and who buys it; numbers are drawn, so that a failing case can be tried again.</summary>
    private sealed record Draw(int[] Lines, int[] Codes, int Customer, int Shipping);

    [Fact]
    public async Task A_redemption_gives_what_the_quote_before_it_said_for_any_cart_codes_and_promotions()
    {
        // One of them counts by the day.
        await Midnight.TodayAsync();
        await using var host = await TestHost.StartAsync(postgres);
        var given = new Catalogue(host.Database);
        await given.CouponAsync("HALF", "max_discount_minor, currency", "500, 'EUR'");
        await given.CouponAsync("MIN", "minimum_order_minor, currency, max_uses_per_user", "3000, 'EUR', 10");
        await given.CouponAsync("TWICE", "currency, max_uses_per_user", "'EUR', 2");
        await given.CouponAsync("FEW", "currency, max_uses_total, max_uses_per_user", "'EUR', 6, 10");
        await given.CouponAsync("FIRST", "currency, applicable_to, max_uses_per_user", "'EUR', 'first_time_users', 10");
        await given.CouponAsync("DOLLAR", "currency", "'USD'");
        var off = await given.CouponAsync("OFF", "currency", "'EUR'");
        await host.Database.ExecuteAsync("update coupons.coupon set is_active = false where id = $1", off);
        var bound = await given.CouponAsync("BOUND", "currency, max_uses_per_user", "'EUR', 10");

        // What stands in for two of those that run out; one of them by its own promotion's limit.
        var spare = await given.CouponAsync("SPARE", "currency, max_uses_per_user", "'EUR', 10");
        await host.Database.ExecuteAsync(
            "insert into coupons.fallback select id, $1 from coupons.coupon where code in ('FEW', 'BOUND')",
            spare
        );
        var units = await given.CouponAsync("UNITS", "currency, max_uses_per_user", "'EUR', 10", kind: "unique");
        await given.CouponAsync("LONE", "currency, max_uses_per_user, stacking", "'EUR', 2, 'exclusive'");
        const string grouped = "currency, max_uses_per_user, apply_order, stacking_groups";
        await given.CouponAsync("GROUP-A", grouped, "'EUR', 10, 2000, '{a}'");
        await given.CouponAsync("GROUP-B", grouped, "'EUR', 10, 3, '{b}'");

        // One that a promotion prices and the budget of its campaign cuts.
        await host.PostAsync(
            "/api/v1/campaigns",
            """
            {"id":"cuts","name":"Cuts","start_date":"2026-01-01","budget":{"amount":4000,"currency":"EUR"},
             "budget_on_overflow":"clip"}
            """
        );
        var cut = await given.CouponAsync("CUT", "currency, max_uses_per_user, campaign_id", "'EUR', 10, 'cuts'");
        Guid[] customers = [await given.CustomerAsync(), await given.CustomerAsync(), await given.CustomerAsync()];
        await given.UnitAsync(units, "UNIT-1");
        await given.UnitAsync(units, "UNIT-2", customers[1]);
        string[] definitions =
        [
            .. Promotions,
            $$"""
                {"name":"Of a code","coupon_id":{{bound}},"currency":"EUR","max_uses_total":8,"apply_order":5,
                 "effects":[{"type":"fixed","target":"lines","amount":101,"allocation":"across"}]}
                """,
            $$"""
                {"name":"Cut","coupon_id":{{cut}},"currency":"EUR","apply_order":4,
                 "effects":[{"type":"percent","target":"lines","percent":9}]}
                """,
        ];
        foreach (var definition in definitions)
        {
            var made = await host.PostAsync("/api/v1/promotions", definition);
            Assert.True(made.Status == 201, made.Body);
            Assert.Equal(200, (await host.PostAsync(made.Header("Location") + "/activate")).Status);
        }

        await QuotedTests.HeardAsync(host);
        var draws =
            from lines in Gen.Choose(0, 9_999).ArrayOf(3)
            from codes in Gen.Choose(0, Codes.Length - 1).ListOf().Select(l => l.Take(5).ToArray())
            from customer in Gen.Choose(0, 3)
            from shipping in Gen.Choose(0, 1)
            select new Draw(lines, codes, customer, shipping);
        var (tried, used) = (0, 0);
        var config = Config.QuickThrowOnFailure.WithMaxTest(Cases).WithReplay(20_261_121, 7);
        Check.One(
            config,
            Prop.ForAll(
                draws.ToArbitrary(),
                draw => used += HoldsAsync(host, customers, draw, ++tried).GetAwaiter().GetResult()
            )
        );

        // Not for want of discounts: most carts had some, by codes too.
        Assert.True(used > Cases, $"{used} promotions gave something");
    }

    private static async Task<int> HoldsAsync(TestHost host, Guid[] customers, Draw draw, int number)
    {
        Guid? customer = draw.Customer < customers.Length ? customers[draw.Customer] : null;
        var cart = new Dictionary<string, object?>
        {
            ["currency"] = "EUR",
            ["customer_id"] = customer,
            // A visitor nobody knows can use no code, which a quote does not ask yet.
            ["codes"] = customer is null ? [] : draw.Codes.Select(static c => Codes[c]).ToArray(),
            ["lines"] = draw.Lines.Select(
                (n, i) =>
                    new
                    {
                        id = "l" + i,
                        sku = "s" + (n % 4),
                        unit_price = n,
                        quantity = 1 + (n % 3),
                        categories = new[] { "c" + (n % 5) },
                        discountable = n % 11 != 0,
                        on_sale = n % 7 == 0,
                        minimum_unit_price = n % 13 == 0 ? n / 2 : 0,
                        tax_rate = n % 2 == 0 ? 20 : 10,
                    }
            ),
            ["shipping"] =
                draw.Shipping == 0
                    ? []
                    : new[]
                    {
                        new
                        {
                            id = "post",
                            method = "std",
                            amount = 490,
                        },
                    },
            ["explain"] = false,
        };
        var quote = await host.PostAsync("/api/v1/quotes", cart);
        Assert.True(quote.Status == 200, quote.Body);
        cart["reference"] = "order-" + number.ToString(CultureInfo.InvariantCulture);
        cart["mode"] = "best_effort";
        var order = await host.PostAsync("/api/v1/orders/redemptions", cart);
        Assert.True(order.Status == 201, order.Body);
        Assert.Equal(Amounts(quote.Json, static json => json.GetInt64()), Amounts(order.Json, MoneyOf));
        return quote.Json.GetProperty("applied").GetArrayLength();

        static long MoneyOf(JsonElement json) => json.GetProperty("amount").GetInt64();
    }

    /// <summary>All that quotes and orders have in common, as lines of text.</summary>
    private static IReadOnlyList<string> Amounts(JsonElement json, Func<JsonElement, long> money)
    {
        var said = new List<string>();
        foreach (var name in (string[])["subtotal", "discount", "payable", "tax"])
        {
            said.Add($"{name} {money(json.GetProperty(name))}");
        }

        foreach (var line in json.GetProperty("lines").EnumerateArray())
        {
            said.Add(Of(line, "id", "line_discount", "order_discount", "payable"));
        }

        foreach (var delivery in json.GetProperty("shipping").EnumerateArray())
        {
            said.Add(Of(delivery, "id", "discount"));
        }

        foreach (var applied in json.GetProperty("applied").EnumerateArray())
        {
            // A second unit of one coupon is a promotion of its own to a quote, and a use of the same to an order.
            said.Add(Of(applied, "promotion_id", "version", "discount").Replace("#2 ", " ", StringComparison.Ordinal));
        }

        foreach (var rejected in json.GetProperty("rejected").EnumerateArray())
        {
            var change = rejected.TryGetProperty("change", out var smallest) ? Of(smallest, "kind", "amount") : "";
            said.Add($"{Of(rejected, "code", "reason")} {change}");
        }

        return said;

        static string Of(JsonElement json, params string[] names) =>
            string.Join(' ', names.Select(n => json.TryGetProperty(n, out var value) ? value.ToString() : "-"));
    }
}
