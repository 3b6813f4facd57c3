using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Coupons;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Redemptions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Campaigns;

[Collection(PostgresCollection.Name)]
public sealed class CampaignTests(PostgresFixture postgres) : IAsyncLifetime
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
    public async Task A_campaign_lives_from_creation_to_deletion_and_every_change_is_in_the_log()
    {
        var made = await _host.PostAsync(
            Path,
            """
            {"id":"spring","name":"Spring","start_date":"2026-01-01","end_date":"2030-06-30","time_zone":"Europe/Vienna",
             "budget":{"amount":100000,"currency":"EUR"},"budget_uses":50,
             "attribution":{"utm_source":"letter","marketing_channel":"email"}}
            """
        );
        Assert.Equal((201, Path + "/spring"), (made.Status, made.Header("Location")));
        Assert.Equal("2025-12-31T23:00:00Z", made.Json.GetProperty("start_date").GetString());
        Assert.Equal("2030-06-30T22:00:00Z", made.Json.GetProperty("end_date").GetString());
        Assert.Equal("active", made.Json.GetProperty("status").GetString());
        Assert.Equal(100000, made.Json.GetProperty("budget").GetProperty("amount").GetInt64());
        Assert.Equal(0, made.Json.GetProperty("budget_spent").GetProperty("amount").GetInt64());
        Assert.Equal("email", made.Json.GetProperty("attribution").GetProperty("marketing_channel").GetString());

        const string later = """{"name":"Late spring","start_date":"2040-01-01"}""";
        Assert.Equal(428, (await SendAsync(HttpMethod.Put, "/spring", later)).Status);
        var put = await SendAsync(HttpMethod.Put, "/spring", later, made.Header("ETag"));
        Assert.Equal((200, "scheduled"), (put.Status, put.Json.GetProperty("status").GetString()));
        Assert.Equal(JsonValueKind.Null, put.Json.GetProperty("budget").ValueKind);
        Assert.Equal(412, (await SendAsync(HttpMethod.Put, "/spring", later, made.Header("ETag"))).Status);

        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, "/spring", null, put.Header("ETag"))).Status);
        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, "/spring", null, put.Header("ETag"))).Status);
        Assert.Equal(404, (await _host.GetAsync(Path + "/spring")).Status);
        Assert.Equal(
            "campaign_exists",
            (await _host.PostAsync(Path, """{"id":"spring","name":"x","start_date":"2026-01-01"}""")).Code
        );
        Assert.Equal(
            ["1 campaign.created", "2 campaign.updated", "3 campaign.deleted"],
            await _host.Database.ColumnAsync<string>(
                "select sequence || ' ' || type from platform.event where aggregatetype = 'campaign' order by position"
            )
        );
        Assert.Equal(
            "Spring to Late spring",
            await _host.Database.ScalarAsync<string>(
                """
                select (told -> 'name' ->> 'before') || ' to ' || (told -> 'name' ->> 'after')
                from (select type, platform.spoken(payload)::jsonb as told from platform.event) e where type = 'campaign.updated'
                """
            )
        );
    }

    [Fact]
    public async Task All_bad_fields_are_named_at_once()
    {
        var reply = await _host.PostAsync(
            Path,
            """
            {"id":"a b","name":"","start_date":"2026-02-01","end_date":"2026-01-01","time_zone":"Nowhere",
             "budget":{"amount":0,"currency":"EUR"},"budget_uses":0,"attribution":{"marketing_channel":"pigeon"},
             "merchant_id":"01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e","colour":"red"}
            """
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            [
                ("attribution.marketing_channel", "unknown_value"),
                ("budget", "not_positive"),
                ("budget_uses", "out_of_range"),
                ("colour", "unknown_member"),
                ("end_date", "end_before_start"),
                ("id", "invalid_id"),
                ("name", "required"),
                ("time_zone", "unknown_time_zone"),
            ],
            reply.Errors.Order()
        );
        var unknown = await _host.PostAsync(
            Path,
            """{"name":"x","start_date":"2026-02-01","merchant_id":"01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e"}"""
        );
        Assert.Equal([("merchant_id", "unknown_reference")], unknown.Errors);
    }

    [Fact]
    public async Task A_campaign_shows_its_coupons_and_switches_them_together()
    {
        await _host.PostAsync(Path, """{"id":"spring","name":"Spring","start_date":"2026-01-01"}""");
        await _given.CouponAsync("FALL", "campaign_id, campaign_role", "'spring', 'fallback'");
        await _given.CouponAsync("FIRST", "campaign_id, campaign_role", "'spring', 'primary'");
        await _given.CouponAsync("OTHER");
        var read = await _host.GetAsync(Path + "/spring");
        Assert.Equal(
            ["FIRST primary", "FALL fallback"],
            read.Json.GetProperty("associated_coupons")
                .EnumerateArray()
                .Select(c => c.GetProperty("code").GetString() + " " + c.GetProperty("role").GetString())
        );

        var off = await _host.PostAsync(Path + "/spring/deactivate");
        Assert.Equal((200, 2), (off.Status, off.Json.GetProperty("changed").GetInt32()));
        Assert.Equal(0, (await _host.PostAsync(Path + "/spring/deactivate")).Json.GetProperty("changed").GetInt32());
        Assert.Equal(
            ["OTHER"],
            await _host.Database.ColumnAsync<string>("select code from coupons.coupon where is_active")
        );
        Assert.Equal(
            2,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'coupon.deactivated' and sequence = 2"
            )
        );
        var gone = await SendAsync(HttpMethod.Delete, "/spring", null, read.Header("ETag"));
        Assert.Equal((409, "campaign_has_coupons"), (gone.Status, gone.Code));
    }

    [Fact]
    public async Task What_a_campaign_holds_and_has_spent_are_the_rows_they_lead_to()
    {
        await _host.PostAsync(
            Path,
            """
            {"id":"held","name":"Held","start_date":"2026-01-01","budget":{"amount":100000,"currency":"USD"},"budget_uses":9}
            """
        );
        await _given.CouponAsync("HELDTEN", "campaign_id", "'held'");
        var kept = new List<string?>();
        for (var i = 0; i < 4; i++)
        {
            var held = await _host.PostAsync("/api/v1/reservations", await OrderAsync(i));
            Assert.True(held.Status == 201, held.Body);
            kept.Add(held.Json.GetProperty("id").GetString());
        }

        Assert.Equal(201, (await _host.PostAsync("/api/v1/redemptions", await OrderAsync(9))).Status);
        var released = await _host.PostAsync($"/api/v1/reservations/{kept[0]}/release");
        Assert.True(released.Status == 200, released.Body);

        foreach (var one in (JsonElement[])[(await _host.GetAsync(Path + "/held")).Json, await ListedAsync("held")])
        {
            var held = await RowsAsync("attempts", "campaign_id=held&result=held&standing=true");
            Assert.Equal((3, 1_500), held);
            Assert.Equal(
                held,
                (one.GetProperty("budget_uses_held").GetInt64(), MinorOf(one.GetProperty("budget_held")))
            );
            var spent = await RowsAsync("redemptions", "campaign_id=held&status=redeemed");
            Assert.Equal((1, 500), spent);
            Assert.Equal(
                (spent.Count + held.Count, spent.Minor + held.Minor),
                (one.GetProperty("budget_uses_spent").GetInt64(), MinorOf(one.GetProperty("budget_spent")))
            );
        }

        // What was held and is not any more is an attempt still.
        Assert.Equal((4, 2_000), await RowsAsync("attempts", "campaign_id=held&result=held"));
        using var poor = _host.ClientOf(await _host.KeyAsync([Permissions.RedemptionsRead]));
        var totals = await _host.GetAsync("/api/v1/attempts/totals?campaign_id=held", poor);
        Assert.DoesNotContain("discounts", totals.Body, StringComparison.Ordinal);

        async Task<object> OrderAsync(int number) =>
            new
            {
                code = "HELDTEN",
                customer_id = await _given.CustomerAsync(),
                order = new { reference = "held-" + number, amount = new { amount = 5_000, currency = "USD" } },
            };
        async Task<(long Count, long Minor)> RowsAsync(string list, string filter)
        {
            var rows = await Drilldown.RowsAsync(_host, $"/api/v1/{list}?{filter}");
            var sums = (await _host.GetAsync($"/api/v1/{list}/totals?{filter}")).Json;
            Assert.Equal(rows.Count, sums.GetProperty("count").GetInt64());
            var minor = MinorOf(Assert.Single(sums.GetProperty("amounts").EnumerateArray()).GetProperty("discounts"));
            Assert.Equal(minor, rows.Sum(static row => MinorOf(row.GetProperty("discount"))));
            return (rows.Count, minor);
        }
        async Task<JsonElement> ListedAsync(string id) =>
            (await _host.GetAsync(Path))
                .Json.GetProperty("data")
                .EnumerateArray()
                .Single(c => c.GetProperty("id").GetString() == id);
        static long MinorOf(JsonElement money) => money.GetProperty("amount").GetInt64();
    }

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
        var euro = await SendAsync(
            HttpMethod.Put,
            "/spring",
            """{"name":"Spring","start_date":"2026-01-01","budget":{"amount":1000,"currency":"EUR"}}""",
            made.Header("ETag")
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

        static long Of(System.Text.Json.JsonElement use) =>
            use.GetProperty("discount").GetProperty("amount").GetInt64();
    }

    [Fact]
    public async Task A_key_of_a_merchant_sees_and_makes_that_merchants_campaigns_alone()
    {
        var own = Guid.CreateVersion7();
        var key = await _host.KeyAsync([.. Permissions.All], own, merchantExists: false);
        using var client = _host.ClientOf(key);
        await _host.PostAsync(Path, """{"id":"theirs","name":"Theirs","start_date":"2026-01-01"}""");
        var made = await _host.PostAsync(
            Path,
            """{"id":"own","name":"Own","start_date":"2026-01-01"}""",
            client: client
        );
        Assert.Equal(own, made.Json.GetProperty("merchant_id").GetGuid());
        var list = await _host.GetAsync(Path, client);
        Assert.Equal(
            "own",
            Assert.Single(list.Json.GetProperty("data").EnumerateArray()).GetProperty("id").GetString()
        );
        foreach (
            var reply in (Reply[])
                [
                    await _host.GetAsync(Path + "/theirs", client),
                    await _host.PostAsync(Path + "/theirs/activate", client: client),
                    await _host.GetAsync(Path + "/theirs/audience", client),
                    await _host.PostAsync(Path + "/theirs/audience", """{"customer_ids":[]}""", client: client),
                ]
        )
        {
            Assert.Equal((404, "not_found"), (reply.Status, reply.Code));
        }
    }

    [Fact]
    public async Task A_walk_through_the_pages_meets_every_campaign_once()
    {
        for (var i = 0; i < 7; i++)
        {
            var year = 2030 + (i % 3);
            await _host.PostAsync(
                Path,
                new
                {
                    id = "c" + i,
                    name = "Name " + (i % 2),
                    start_date = "2026-01-01",
                    end_date = $"{year}-01-01",
                }
            );
        }

        foreach (var sort in (string[])["name", "-name", "end_date", "-created_at", "start_date"])
        {
            var seen = new List<string>();
            var address = $"{Path}?limit=3&sort={sort}";
            for (string? cursor = ""; cursor is not null; )
            {
                var page = (await _host.GetAsync(address + cursor)).Json;
                seen.AddRange(page.GetProperty("data").EnumerateArray().Select(c => c.GetProperty("id").GetString()!));
                cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : null;
            }

            Assert.Equal(["c0", "c1", "c2", "c3", "c4", "c5", "c6"], seen.Order());
        }

        Assert.Empty((await _host.GetAsync(Path + "?status=ended")).Json.GetProperty("data").EnumerateArray());
        Assert.Equal(
            3,
            (await _host.GetAsync(Path + "?status=active&search=NAME 1")).Json.GetProperty("data").GetArrayLength()
        );
    }

    [Fact]
    public async Task An_audience_takes_customers_once_and_gives_them_up_again()
    {
        await _host.PostAsync(Path, """{"id":"spring","name":"Spring","start_date":"2026-01-01"}""");
        Guid[] customers = [await _given.CustomerAsync(), await _given.CustomerAsync()];
        const string audience = Path + "/spring/audience";
        var added = await _host.PostAsync(audience, new { customer_ids = customers });
        Assert.Equal((200, 2), (added.Status, added.Json.GetProperty("count").GetInt32()));
        Assert.Equal(
            0,
            (await _host.PostAsync(audience, new { customer_ids = customers })).Json.GetProperty("count").GetInt32()
        );
        var stranger = await _host.PostAsync(audience, new { customer_ids = new[] { Guid.CreateVersion7() } });
        Assert.Equal([("customer_ids", "unknown_reference")], stranger.Errors);
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, $"{audience}/{customers[0]}")).Status);
        var left = (await _host.GetAsync(audience)).Json.GetProperty("data");
        Assert.Equal(customers[1], Assert.Single(left.EnumerateArray()).GetProperty("customer_id").GetGuid());
    }

    private Task<Reply> SendAsync(HttpMethod method, string path, string? body, string? etag = null) =>
        _host.SendAsync(
            method,
            Path + path,
            body,
            headers: etag is null ? null : new Dictionary<string, string> { ["If-Match"] = etag }
        );
}
