using System.Globalization;
using System.Text;
using Tessera.Server.Connectors;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>What outside systems hand in, applied once or parked with its reason (CPN-15, CPN-16).</summary>
[Collection(PostgresCollection.Name)]
public sealed class IngestionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/ingestion/events";

    private TestHost _host = null!;
    private string _customer = "";

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        var made = await _host.PostAsync("/api/v1/customers", new { external_id = "C" });
        _customer = made.Json.GetProperty("id").GetString()!;
        await new Catalogue(_host.Database).CouponAsync("SAVE", "max_uses_per_user", "2");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_use_outside_counts_once_however_often_it_is_told()
    {
        var used = Use("e1", "coupon.redeemed", "order-1");
        Assert.Equal(("applied", null), await IngestAsync(used));
        Assert.Equal(("known", null), await IngestAsync(used));
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption"));
        Assert.Equal(("applied", null), await IngestAsync(Cancel("e2", "order-1")));
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.redemption where rolled_back_at is null"
            )
        );
        Assert.Equal(("parked", "nothing_to_cancel"), await IngestAsync(Cancel("e3", "order-1")));
    }

    [Fact]
    public async Task A_hold_outside_is_taken_and_let_go()
    {
        Assert.Equal(("applied", null), await IngestAsync(Use("h1", "coupon.reserved", "order-9")));
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.reservation where ended_at is null"
            )
        );
        Assert.Equal(("applied", null), await IngestAsync(Cancel("h2", "order-9")));
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.reservation where ended_at is null"
            )
        );
    }

    [Fact]
    public async Task What_is_refused_is_parked_with_its_reason_and_can_be_tried_again()
    {
        await IngestAsync(Use("p1", "coupon.redeemed", "order-1"));
        await IngestAsync(Use("p2", "coupon.redeemed", "order-2"));
        Assert.Equal(("parked", "user_limit_reached"), await IngestAsync(Use("p3", "coupon.redeemed", "order-3")));
        Assert.Equal(
            ("parked", "invalid_request: data.order.amount required"),
            await IngestAsync(
                $$"""{"id":"p4","type":"coupon.redeemed","data":{"code":"SAVE","customer_id":"{{_customer}}","order":{"reference":"x"} } }"""
            )
        );
        Assert.Equal(
            ("parked", "invalid_request: type unknown_value"),
            await IngestAsync("""{"id":"p5","type":"coupon.exploded","data":{}}""")
        );
        var parked = (await _host.GetAsync(Path)).Json.GetProperty("data").EnumerateArray().ToArray();
        Assert.Equal(["p5", "p4", "p3"], parked.Select(static p => p.GetProperty("event_id").GetString()));
        await IngestAsync(Cancel("p6", "order-1"));
        long[] ids = [.. parked.Select(static p => p.GetProperty("id").GetInt64())];
        var again = await _host.PostAsync("/api/v1/ingestion/retries", new { ids = new[] { ids[2] } });
        Assert.Equal("applied", again.Json.GetProperty("results")[0].GetProperty("state").GetString());
        var dropped = await _host.PostAsync("/api/v1/ingestion/retries", new { ids = ids[..2], drop = true });
        Assert.Equal(2, dropped.Json.GetProperty("results").GetArrayLength());
        Assert.Empty((await _host.GetAsync(Path)).Json.GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task A_definition_changes_a_coupon_when_its_version_is_newer()
    {
        Assert.Equal(("applied", null), await IngestAsync(Definition("d1", 1, 10)));
        Assert.Equal(("known", null), await IngestAsync(Definition("d1", 1, 10)));
        Assert.Equal(("known", null), await IngestAsync(Definition("d2", 1, 55)));
        Assert.Equal(("applied", null), await IngestAsync(Definition("d3", 3, 20)));
        Assert.Equal(("known", null), await IngestAsync(Definition("d4", 2, 55)));
        Assert.Equal(
            20m,
            await _host.Database.ScalarAsync<decimal>(
                "select discount_percent from coupons.coupon where external_id = 'offer-1'"
            )
        );
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                """
                select count(*) from platform.event e join coupons.coupon c on c.id::text = e.aggregateid
                where e.type = 'coupon.created' and c.external_id = 'offer-1'
                """
            )
        );
        Assert.Equal(("parked", "invalid_request: data.coupon.discount_value out_of_range"), await BadAsync());

        async Task<(string, string?)> BadAsync()
        {
            var (state, reason) = await IngestAsync(Definition("d5", 4, 900));
            // The words of the rule may change; what matters is that the field is named.
            return (
                state,
                reason!.StartsWith("invalid_request: data.coupon.discount_value", StringComparison.Ordinal)
                    ? "invalid_request: data.coupon.discount_value out_of_range"
                    : reason
            );
        }
    }

    [Fact]
    public async Task A_partner_hands_in_what_it_signed_and_nobody_else_can()
    {
        var made = await _host.PostAsync("/api/v1/connectors", new { name = "P", kind = "internal" });
        var id = made.Json.GetProperty("id").GetString();
        var secret = (await _host.PostAsync($"/api/v1/connectors/{id}/signing-secret"))
            .Json.GetProperty("secret")
            .GetString()!;
        var body = Use("w1", "coupon.redeemed", "order-1");
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        using var stranger = _host.ClientOf(null);
        Task<Reply> SendAsync(string what) =>
            _host.SendAsync(
                HttpMethod.Post,
                $"/api/v1/connectors/{id}/events",
                what,
                client: stranger,
                headers: new Dictionary<string, string>
                {
                    ["webhook-id"] = "w1",
                    ["webhook-timestamp"] = at.ToString(CultureInfo.InvariantCulture),
                    ["webhook-signature"] = StandardWebhooks.Sign([secret], "w1", at, Encoding.UTF8.GetBytes(body)),
                }
            );
        Assert.Equal(401, (await SendAsync(body.Replace("order-1", "order-2", StringComparison.Ordinal))).Status);
        Assert.Equal("applied", (await SendAsync(body)).Json.GetProperty("state").GetString());
        Assert.Equal("known", (await SendAsync(body)).Json.GetProperty("state").GetString());
    }

    private string Use(string id, string type, string order) =>
        $$$"""
            {"specversion":"1.0","id":"{{{id}}}","source":"shop","type":"{{{type}}}","data":{"code":"save",
             "customer_id":"{{{_customer}}}","order":{"reference":"{{{order}}}","amount":{"amount":5000,"currency":"USD"} } } }
            """;

    private static string Cancel(string id, string order) =>
        $$$"""{"id":"{{{id}}}","type":"coupon.cancelled","data":{"order_reference":"{{{order}}}","code":"SAVE"} }""";

    private static string Definition(string id, int version, int percent) =>
        $$$"""
            {"id":"{{{id}}}","type":"coupon.defined","data":{"external_id":"offer-1","version":{{{version}}},"coupon":{
             "code":"OFFER1","internal_name":"Offer 1","description":{"en":"Offer"},"discount_type":"percentage",
             "discount_value":{{{percent}}},"valid_from":"2035-01-01T00:00:00Z"} } }
            """;

    private async Task<(string State, string? Reason)> IngestAsync(string body)
    {
        var reply = await _host.PostAsync(Path, $$"""{"events":[{{body}}]}""");
        Assert.True(reply.Status == 200, reply.Body);
        var result = reply.Json.GetProperty("results")[0];
        return (result.GetProperty("state").GetString()!, result.GetProperty("reason").GetString());
    }
}
