using System.Text.Json;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Coupons;
using Tessera.Server.Tests.Promotions;
using Tessera.Server.Tests.Redemptions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Campaigns;

/// <summary>The budget of a campaign: one currency, counted on every path, and what is done where it ends (CMP-09).</summary>
[Collection(PostgresCollection.Name)]
public sealed class CampaignBudgetTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/campaigns";

    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task What_is_spent_shows_its_currency_stays_and_nothing_more_is_issued()
    {
        var made = await _host.PostAsync(
            Path,
            """{"id":"spring","name":"Spring","start_date":"2026-01-01","budget":{"amount":1000,"currency":"USD"}}"""
        );
        await _given.CouponAsync("TENTH", "campaign_id", "'spring'");
        var redeemed = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code = "TENTH",
                customer_id = await _given.CustomerAsync(),
                order = new { reference = "o1", amount = new { amount = 5000, currency = "USD" } },
                attribution = new { utm_source = "letter", utm_medium = "email" },
            }
        );
        Assert.Equal(201, redeemed.Status);
        var arrived = (await _host.GetAsync(redeemed.Header("Location")!)).Json.GetProperty("attribution");
        Assert.Equal("letter", arrived.GetProperty("utm_source").GetString());
        var read = await _host.GetAsync(Path + "/spring");
        Assert.Equal(500, read.Json.GetProperty("budget_spent").GetProperty("amount").GetInt64());
        var euro = await _host.SendAsync(
            HttpMethod.Put,
            Path + "/spring",
            """{"name":"Spring","start_date":"2026-01-01","budget":{"amount":1000,"currency":"EUR"}}""",
            headers: new Dictionary<string, string> { ["If-Match"] = made.Header("ETag")! }
        );
        Assert.Equal((409, "budget_currency_fixed"), (euro.Status, euro.Code));

        var units = await _given.CouponAsync("UNITS", "campaign_id", "'spring'", kind: "unique");
        var issue = $"/api/v1/admin/coupons/{units}/instances";
        Assert.Equal(201, (await _host.PostAsync(issue, new { count = 1 })).Status);
        var cart = await _host.PostAsync(
            "/api/v1/orders/redemptions",
            new
            {
                reference = "o2",
                currency = "USD",
                customer_id = await _given.CustomerAsync(),
                codes = (string[])["TENTH"],
                lines = (object[])
                    [
                        new
                        {
                            id = "1",
                            sku = "a",
                            unit_price = 5000,
                            quantity = 1,
                        },
                    ],
                attribution = new { utm_source = "post" },
            }
        );
        Assert.True(cart.Status == 201, cart.Body);
        Assert.Equal(
            2,
            await _host.Database.ScalarAsync<long>("select count(*) from redemptions.arrival where utm_source = 'post'")
        );
        var over = await _host.PostAsync(issue, new { count = 1 });
        Assert.Equal((409, "campaign_budget_spent"), (over.Status, over.Code));
    }

    [Fact]
    public async Task A_budget_that_cuts_gives_what_is_left_to_single_codes_and_carts_and_then_nothing()
    {
        var made = await _host.PostAsync(
            Path,
            """
            {"id":"cuts","name":"Cuts","start_date":"2026-01-01","budget":{"amount":1000,"currency":"USD"},
             "budget_on_overflow":"clip"}
            """
        );
        Assert.Equal("clip", made.Json.GetProperty("budget_on_overflow").GetString());
        const string columns = "max_uses_per_user, campaign_id";
        await _given.CouponAsync("HALF", "max_discount_minor, " + columns, "100000, 9, 'cuts'");
        await _given.CouponAsync("TENTH", columns, "9, 'cuts'");
        var (customer, shop) = (await _given.CustomerAsync(), new Shop(_host));
        Assert.Equal(600, Of(await SingleAsync("redemptions", "o1", 1200)));

        var quote = new
        {
            currency = "USD",
            customer_id = customer,
            codes = (string[])["HALF"],
            lines = (object[])
                [
                    new
                    {
                        id = "1",
                        sku = "a",
                        unit_price = 2000,
                        quantity = 1,
                    },
                ],
        };
        var priced = await _host.PostAsync("/api/v1/quotes", quote);
        Assert.Equal(400, priced.Json.GetProperty("discount").GetInt64());
        var held = await SingleAsync("reservations", "o2", 2000);
        Assert.Equal(400, Of(held));
        Assert.Equal("budget_exhausted", (await SingleAsync("redemptions", "o3", 1200)).Code);
        await _host.PostAsync(held.Header("Location") + "/release");

        // The half of 7.60, and of the tenth of the rest what the half leaves.
        var cart = await shop.RedeemAsync("o4", customer, ["HALF", "TENTH"], lines: [(760, 1)]);
        Assert.True(cart.Status == 201, cart.Body);
        Assert.Equal(
            [380, 20],
            cart.Json.GetProperty("applied").EnumerateArray().Select(a => a.GetProperty("discount").GetInt64())
        );
        Assert.Equal([("codes.0", "budget_exhausted")], (await shop.RedeemAsync("o5", customer, ["HALF"])).Errors);
        Guid[] receipts = [cart.Json.GetProperty("receipt_id").GetGuid(), held.Json.GetProperty("id").GetGuid()];
        foreach (var receipt in receipts)
        {
            var told = await TellAsync(receipt);
            Assert.Null(told.Difference);
            Assert.Contains(told.Sentences, static s => s.Contains(" is cut to ", StringComparison.Ordinal));
        }

        Assert.Contains(
            "A coupon is cut to 4.00 USD: its budget has no more left.",
            (await TellAsync(receipts[1])).Sentences
        );
        await _host.Database.ExecuteAsync(
            "update redemptions.reservation set discount_minor = 399 where id = $1",
            receipts[1]
        );
        Assert.Equal("discount: 399, now 400", (await TellAsync(receipts[1])).Difference);

        static long Of(Reply use) => use.Json.GetProperty("discount").GetProperty("amount").GetInt64();

        async Task<Receipts.Told> TellAsync(Guid receipt) =>
            (await Receipts.TellAsync(_host.Database.Database, receipt, german: false, replay: true, default))!;

        Task<Reply> SingleAsync(string what, string reference, long amount) =>
            _host.PostAsync(
                "/api/v1/" + what,
                new
                {
                    code = "HALF",
                    customer_id = customer,
                    order = new { reference, amount = new { amount, currency = "USD" } },
                }
            );
    }

    [Fact]
    public async Task A_budget_counts_one_currency_and_takes_no_coupons_in_another()
    {
        var made = await _host.PostAsync(
            Path,
            """{"id":"euros","name":"Euros","start_date":"2026-01-01","budget":{"amount":700,"currency":"EUR"}}"""
        );
        await _host.PostAsync(Path, """{"id":"any","name":"Any","start_date":"2026-01-01"}""");
        Dictionary<string, object?> members = new() { ["campaign_id"] = "euros", ["currency"] = "USD" };
        const string coupons = "/api/v1/admin/coupons";
        var wrong = await _host.PostAsync(coupons, CouponBody.Of("DOLLARS", members));
        Assert.Equal([("currency", "wrong_currency")], wrong.Errors);
        members["campaign_id"] = "any";
        Assert.Equal(201, (await _host.PostAsync(coupons, CouponBody.Of("DOLLARS", members))).Status);
        var budget = await _host.SendAsync(
            HttpMethod.Put,
            Path + "/any",
            """{"name":"Any","start_date":"2026-01-01","budget":{"amount":700,"currency":"EUR"}}""",
            headers: new Dictionary<string, string> { ["If-Match"] = "\"1\"" }
        );
        Assert.Equal((409, "coupons_in_other_currency"), (budget.Status, budget.Code));
        Assert.Equal(201, made.Status);
    }

    [Fact]
    public async Task A_coupon_that_a_promotion_prices_is_cut_by_the_budget_of_its_campaign_on_every_path()
    {
        await _host.PostAsync(
            Path,
            """
            {"id":"cuts","name":"Cuts","start_date":"2026-01-01","budget":{"amount":700,"currency":"USD"},
             "budget_on_overflow":"clip"}
            """
        );
        var (shop, customer) = (new Shop(_host), await _given.CustomerAsync());
        var coupon = await _given.CouponAsync("THIRD", "max_uses_per_user, campaign_id", "9, 'cuts'");
        await shop.PromotionAsync("percent", "lines", ("percent", 30), ("coupon_id", coupon));
        await QuotedTests.HeardAsync(_host);
        Assert.Equal(300, Of((await shop.RedeemAsync("o1", customer, ["THIRD"])).Json));
        var held = await shop.ReserveAsync("o2", customer, ["THIRD"]);
        Assert.Equal(300, Of(held.Json));
        var quote = await _host.PostAsync(
            "/api/v1/quotes",
            """
            {"currency":"USD","customer_id":"CUSTOMER","codes":["THIRD"],
             "lines":[{"id":"l0","sku":"SKU0","unit_price":1000,"quantity":1}]}
            """.Replace("CUSTOMER", customer.ToString(), StringComparison.Ordinal)
        );
        Assert.Equal(100, quote.Json.GetProperty("discount").GetInt64());
        var verdict = quote.Json.GetProperty("receipt").GetProperty("verdicts")[0];
        Assert.True(verdict.GetProperty("cut_by_budget").GetBoolean());
        var order = await shop.RedeemAsync("o3", customer, ["THIRD"]);
        Assert.Equal(100, Of(order.Json));
        var told = await Receipts.TellAsync(
            _host.Database.Database,
            order.Json.GetProperty("receipt_id").GetGuid(),
            german: true,
            replay: true,
            default
        );
        Assert.Null(told!.Difference);
        Assert.Contains("Test ist auf 1,00 USD gekürzt: mehr ist von ihrem Budget nicht übrig.", told.Sentences);
        Assert.Equal([("codes.0", "budget_exhausted")], (await shop.RedeemAsync("o4", customer, ["THIRD"])).Errors);
        var reservation = held.Json.GetProperty("id").GetString();
        Assert.Equal(300, Of((await shop.RedeemAsync("o2", customer, ["THIRD"], reservation: reservation)).Json));
        Assert.Equal(
            700,
            await _host.Database.ScalarAsync<long>("select posted from balances.account where kind = 'campaign_budget'")
        );

        static long Of(JsonElement use) => use.GetProperty("discount").GetProperty("amount").GetInt64();
    }
}
