using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class CodeStateTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Each_code_tells_its_state_and_window_as_of_now()
    {
        await _given.CouponAsync("SHARED");
        await _given.CouponAsync("OFF", "valid_until", "'2199-01-01'");
        await _host.Database.ExecuteAsync("update coupons.coupon set is_active = false where code = 'OFF'");
        var coupon = await _given.CouponAsync("UNITS", "max_uses_per_user", "10", "unique");
        await _given.UnitAsync(coupon, "FRESH", until: "'2190-05-05T12:00:00Z'");
        await _given.UnitAsync(coupon, "OVER", until: "clock_timestamp()");
        await _given.UnitAsync(coupon, "LATER", from: "clock_timestamp() + interval '1 day'");
        await _given.UnitAsync(coupon, "USED");
        await _given.UnitAsync(coupon, "HELD");
        var customer = await _given.CustomerAsync();
        await _host.PostAsync("/api/v1/redemptions", Body("USED", customer));
        await _host.PostAsync("/api/v1/reservations", Body("HELD", customer));

        var reply = await _host.PostAsync(
            "/api/v1/coupon-states",
            new
            {
                codes = (string[])["shared", "OFF", "FRESH", "OVER", "LATER", "USED", "HELD", "UNITS", "NOBODY", "a b"],
            }
        );
        Assert.Equal(
            [
                ("SHARED", "active", true),
                ("OFF", "inactive", false),
                ("FRESH", "issued", true),
                ("OVER", "expired", false),
                ("LATER", "issued", false),
                ("USED", "redeemed", false),
                ("HELD", "reserved", false),
                ("UNITS", "active", false),
                ("NOBODY", "unknown", false),
                ("a b", "unknown", false),
            ],
            reply
                .Json.GetProperty("data")
                .EnumerateArray()
                .Select(s =>
                    (
                        s.GetProperty("code").GetString()!,
                        s.GetProperty("state").GetString()!,
                        s.GetProperty("redeemable").GetBoolean()
                    )
                )
        );
        var one = await _host.GetAsync("/api/v1/coupon-states/fresh");
        Assert.Equal("2190-05-05T12:00:00Z", one.Json.GetProperty("valid_until").GetString());
    }

    [Fact]
    public async Task A_merchant_is_told_nothing_of_anothers_code()
    {
        await _given.CouponAsync("SECRET");
        using var client = _host.ClientOf(
            await _host.KeyAsync([Permissions.RedemptionsValidate], Guid.CreateVersion7(), null, merchantExists: false)
        );
        var reply = await _host.GetAsync("/api/v1/coupon-states/SECRET", client);
        Assert.Equal("unknown", reply.Json.GetProperty("state").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, reply.Json.GetProperty("coupon_id").ValueKind);
    }

    [Fact]
    public async Task More_codes_than_allowed_are_refused()
    {
        var codes = Enumerable.Range(0, 1001).Select(i => "C" + i).ToArray();
        var reply = await _host.PostAsync("/api/v1/coupon-states", new { codes });
        Assert.Equal([("codes", "too_many")], reply.Errors);
    }

    [Fact]
    public async Task Redemptions_are_read_back_paged_and_by_coupon()
    {
        var coupon = await _given.CouponAsync("READ", "max_uses_per_user", "10");
        await _given.CouponAsync("ELSE");
        var customer = await _given.CustomerAsync();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var made = await _host.PostAsync("/api/v1/redemptions", Body("READ", customer));
            ids.Add(made.Json.GetProperty("id").GetString()!);
            var read = await _host.GetAsync(made.Header("Location")!);
            Assert.Equal(
                made.Json.GetProperty("discount").GetRawText(),
                read.Json.GetProperty("discount").GetRawText()
            );
        }

        await _host.PostAsync("/api/v1/redemptions", Body("ELSE", customer));
        var seen = new List<string>();
        var path = $"/api/v1/admin/coupons/{coupon}/usage?limit=2";
        while (path is not null)
        {
            var page = await _host.GetAsync(path);
            seen.AddRange(page.Json.GetProperty("data").EnumerateArray().Select(r => r.GetProperty("id").GetString()!));
            path = page.Header("Link")?.Split('<', '>')[1];
        }

        ids.Reverse();
        Assert.Equal(ids, seen);
        var all = await _host.GetAsync($"/api/v1/redemptions?customer_id={customer}");
        Assert.Equal(6, all.Json.GetProperty("data").GetArrayLength());

        // People know codes, not numbers: every list of uses is found by them too.
        foreach (var list in new[] { "redemptions", "attempts" })
        {
            foreach (
                var (code, count) in new[] { ("READ", 5), ("%20read%20", 5), ("ELSE", 1), ("NONE", 0), ("%C3%9F", 0) }
            )
            {
                var found = (await _host.GetAsync($"/api/v1/{list}?coupon_code={code}")).Json.GetProperty("data");
                Assert.Equal(count, found.GetArrayLength());
                Assert.All(
                    found.EnumerateArray(),
                    row => Assert.Equal(count == 5 ? "READ" : "ELSE", row.GetProperty("coupon_code").GetString())
                );
                var totals = await _host.GetAsync($"/api/v1/{list}/totals?coupon_code={code}");
                Assert.Equal(count, totals.Json.GetProperty("count").GetInt32());
            }
        }

        Assert.Equal(404, (await _host.GetAsync($"/api/v1/redemptions/{Guid.CreateVersion7()}")).Status);
    }

    private static object Body(string code, Guid customer) =>
        new
        {
            code,
            customer_id = customer,
            order = new
            {
                reference = Guid.CreateVersion7().ToString(),
                amount = new { amount = 1000, currency = "USD" },
            },
        };
}
