using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>Whoever tries out codes is stopped, and everybody is told (convention 53).</summary>
[Collection(PostgresCollection.Name)]
public sealed class FailedCodeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int PerMinute = 4;

    private TestHost _host = null!;
    private Guid _customer;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(
            postgres,
            static builder =>
            {
                var settings = (Settings)
                    builder.Services.Last(static d => d.ServiceType == typeof(Settings)).ImplementationInstance!;
                builder.Services.AddSingleton(settings with { FailedCodesPerMinute = PerMinute });
                FreshMinute.Begin()(builder);
            }
        );
        var given = new Catalogue(_host.Database);
        await given.CouponAsync("GOOD", "max_uses_per_user", "10");
        _customer = await given.CustomerAsync();
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_caller_who_tries_codes_is_refused_and_raises_one_alert()
    {
        var merchant = Guid.CreateVersion7();
        using var till = await TillAsync(merchant, exists: false);
        for (var i = 0; i < PerMinute; i++)
        {
            Assert.Equal(200, (await ValidateAsync(till, "GUESS" + i)).Status);
        }

        foreach (var path in (string[])["/api/v1/coupon-states/GOOD", "/api/v1/coupon-states/GUESS"])
        {
            var beyond = await _host.GetAsync(path, till);
            Assert.Equal((429, "rate_limited"), (beyond.Status, beyond.Code));
            Assert.Equal("failed-codes", beyond.Json.GetProperty("violated-policies")[0].GetString());
        }

        // Everything else is open to the caller, and codes are to everybody else.
        Assert.Equal(200, (await _host.GetAsync("/api/v1/channels", till)).Status);
        using var other = await TillAsync(Guid.CreateVersion7(), exists: false);
        Assert.Equal(200, (await ValidateAsync(other, "GOOD")).Status);

        await WatchAsync();
        await WatchAsync();
        var alert = Assert.Single(
            (await _host.GetAsync("/api/v1/security-alerts")).Json.GetProperty("data").EnumerateArray()
        );
        Assert.StartsWith("caller:", alert.GetProperty("subject").GetString(), StringComparison.Ordinal);
        Assert.Equal(403, (await _host.GetAsync("/api/v1/security-alerts", till)).Status);
        Assert.Equal(1, await CountAsync("security.alert_raised"));

        // The first to take note is kept, with what they said; others learn of it.
        var address = $"/api/v1/security-alerts/{alert.GetProperty("id").GetString()}/acknowledge";
        Assert.Equal(403, (await _host.PostAsync(address, client: till)).Status);
        var noted = await _host.PostAsync(address, new { note = "A till that was set up wrong." });
        Assert.Equal(
            (200, "A till that was set up wrong."),
            (noted.Status, noted.Json.GetProperty("acknowledged_note").GetString())
        );
        var late = await _host.PostAsync(address, new { note = "Late" });
        foreach (var kept in (string[])["acknowledged_note", "acknowledged_by", "acknowledged_at"])
        {
            Assert.Equal(noted.Json.GetProperty(kept).GetString(), late.Json.GetProperty(kept).GetString());
        }

        Assert.Equal(404, (await _host.PostAsync($"/api/v1/security-alerts/{merchant}/acknowledge")).Status);
        Assert.Equal(1, await CountAsync("security.alert_acknowledged"));

        // In one statement: the watch that runs by itself would see it between two.
        await _host.Database.ExecuteAsync(
            "update access.security_alert set seen_at = seen_at - interval '1 hour', subject = 'caller:gone'"
        );
        await WatchAsync();
        Assert.Equal(1, await CountAsync("security.alert_cleared"));
    }

    [Fact]
    public async Task Many_keys_of_one_merchant_are_counted_together_and_so_is_everybody()
    {
        var merchant = Guid.CreateVersion7();
        for (var i = 0; i < 4; i++)
        {
            using var till = await TillAsync(merchant, exists: i > 0);
            var unknown = new { codes = Enumerable.Range(0, PerMinute).Select(n => $"TRY{i}X{n}").ToArray() };
            var reply = await _host.PostAsync("/api/v1/coupon-states", unknown, client: till);
            Assert.Equal(i < 2 ? 200 : 429, reply.Status);
        }

        await WatchAsync();
        var subjects = (await _host.GetAsync("/api/v1/security-alerts"))
            .Json.GetProperty("data")
            .EnumerateArray()
            .Select(a => a.GetProperty("subject").GetString()!.Split(':')[0])
            .Order();
        Assert.Equal(["address", "caller", "caller", "merchant"], subjects);
    }

    [Theory]
    [InlineData("/api/v1/quotes", 200)]
    [InlineData("/api/v1/orders/redemptions", 409)]
    public async Task Codes_tried_on_a_cart_count_as_well(string path, int status)
    {
        using var till = _host.ClientOf(await _host.KeyAsync([Permissions.QuotesPrice, Permissions.RedemptionsRedeem]));
        for (var i = 0; i <= PerMinute / 2; i++)
        {
            var cart = new
            {
                reference = "cart-" + i,
                currency = "USD",
                customer_id = _customer,
                codes = (string[])[$"A{i}GUESS", $"B{i}GUESS"],
                lines = (object[])
                    [
                        new
                        {
                            id = "1",
                            sku = "SKU",
                            quantity = 1,
                            unit_price = 1000,
                        },
                    ],
            };
            var text = System.Text.Json.JsonSerializer.SerializeToNode(cart)!.AsObject();
            if (path == "/api/v1/quotes")
            {
                text.Remove("reference");
            }

            var reply = await _host.PostAsync(path, text, client: till);
            Assert.True((i < PerMinute / 2 ? status : 429) == reply.Status, reply.Body);
        }
    }

    [Fact]
    public async Task Codes_tried_where_promotions_are_made_count_as_well()
    {
        using var asking = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsWrite]));
        for (var i = 0; i <= PerMinute; i++)
        {
            Assert.Equal(200, (await _host.GetAsync("/api/v1/admin/coupons/codes/GOOD", asking)).Status);
        }

        for (var i = 0; i <= PerMinute; i++)
        {
            var free = await _host.GetAsync("/api/v1/admin/coupons/codes/FREE" + i, asking);
            Assert.Equal(i < PerMinute ? 200 : 429, free.Status);
        }

        using var pricing = _host.ClientOf(await _host.KeyAsync([Permissions.PromotionsRead]));
        var cart = new
        {
            currency = "USD",
            codes = (string[])["P1GUESS", "P2GUESS"],
            lines = (object[])
                [
                    new
                    {
                        id = "1",
                        sku = "SKU",
                        quantity = 1,
                        unit_price = 1000,
                    },
                ],
        };
        var coupon = new
        {
            discount_type = "percentage",
            discount_value = 10,
            valid_from = TimeProvider.System.GetUtcNow(),
        };
        for (var i = 0; i <= PerMinute / 4; i++)
        {
            var preview = new { carts = new[] { cart, cart }, coupon };
            var reply = await _host.PostAsync("/api/v1/quotes/preview", preview, client: pricing);
            Assert.True((i < PerMinute / 4 ? 200 : 429) == reply.Status, reply.Body);
        }
    }

    [Fact]
    public async Task Codes_that_exist_are_never_counted()
    {
        using var till = _host.ClientOf(await _host.KeyAsync([Permissions.RedemptionsValidate]));
        for (var i = 0; i < 3 * PerMinute; i++)
        {
            Assert.Equal(200, (await ValidateAsync(till, "GOOD")).Status);
        }
    }

    private async Task<HttpClient> TillAsync(Guid merchant, bool exists) =>
        _host.ClientOf(
            await _host.KeyAsync(
                [Permissions.RedemptionsValidate, Permissions.DirectoryRead],
                merchant,
                merchantExists: exists
            )
        );

    private Task<Reply> ValidateAsync(HttpClient client, string code) =>
        _host.PostAsync(
            "/api/v1/validations",
            new
            {
                code,
                customer_id = _customer,
                order = new { reference = "o", amount = new { amount = 1000, currency = "USD" } },
            },
            client: client
        );

    private Task WatchAsync() =>
        _host
            .Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>()
            .OfType<SurgeWatch>()
            .Single()
            .RunOnceAsync(default);

    private Task<long> CountAsync(string type) =>
        _host.Database.ScalarAsync<long>($"select count(*) from platform.event where type = '{type}'");
}
