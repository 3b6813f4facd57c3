using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Tests.Insights;
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
