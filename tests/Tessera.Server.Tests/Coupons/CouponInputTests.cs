using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

/// <summary>What is refused at the door of the catalogue, and how much of it is told at once.</summary>
[Collection(PostgresCollection.Name)]
public sealed class CouponInputTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons";

    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        // Coupons begin today, and may not begin in the past.
        await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_code_that_is_taken_is_told_with_all_else_that_is_wrong()
    {
        await CreateAsync("TAKEN");
        var broken = Body("taken");
        broken["internal_name"] = "x";
        broken["colour"] = "red";
        var reply = await _host.PostAsync(Path, broken);
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            [("code", "duplicate_code"), ("colour", "unknown_member"), ("internal_name", "too_short")],
            reply.Errors.Order()
        );
        Assert.Contains("Coupon code already exists", reply.Body, StringComparison.Ordinal);
        var bulk = await _host.PostAsync(Path + "/bulk", new { coupons = new[] { Body("FREE"), broken } });
        var refused = bulk.Json.GetProperty("results")[1].GetProperty("errors").EnumerateArray();
        Assert.Equal(
            ["#/coupons/1/code", "#/coupons/1/colour", "#/coupons/1/internal_name"],
            refused.Select(static e => e.GetProperty("pointer").GetString()!).Order()
        );
    }

    [Fact]
    public async Task The_own_code_of_a_coupon_is_not_called_taken_when_something_else_is_wrong()
    {
        var id = await CreateAsync("MINE");
        var broken = Body("MINE");
        broken["internal_name"] = "x";
        var reply = await _host.SendAsync(
            HttpMethod.Put,
            $"{Path}/{id}",
            broken,
            headers: new Dictionary<string, string> { ["If-Match"] = "\"1\"" }
        );
        Assert.Equal([("internal_name", "too_short")], reply.Errors);
    }

    [Fact]
    public async Task A_value_is_judged_although_its_type_is_unknown()
    {
        var broken = Body("ODD");
        broken["discount_type"] = "half";
        broken["discount_value"] = 0;
        Assert.Equal(
            [("discount_type", "unknown_value"), ("discount_value", "not_positive")],
            (await _host.PostAsync(Path, broken)).Errors.Order()
        );
    }

    [Theory]
    [InlineData("SAVE10\n")]
    [InlineData("\tSAVE10")]
    [InlineData("SA\nVE10")]
    [InlineData("S\u0410VE10")]
    [InlineData("SAVE\u200b10")]
    public async Task A_code_has_no_line_break_and_no_letter_of_another_alphabet(string code)
    {
        var reply = await _host.PostAsync(Path, Body(code));
        Assert.Equal([("code", "invalid_characters")], reply.Errors);
        Assert.Contains("only uppercase letters, numbers", reply.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("%20{0}")]
    [InlineData("{0}%0a")]
    [InlineData("%2B{0}")]
    [InlineData("-{0}")]
    [InlineData("{0}.0")]
    [InlineData("{0}e0")]
    public async Task An_id_in_an_address_is_digits_and_nothing_else(string spelling)
    {
        var id = await CreateAsync("DIGITS");
        var path = $"{Path}/{string.Format(System.Globalization.CultureInfo.InvariantCulture, spelling, id)}";
        Assert.Equal((404, "not_found"), ((await _host.GetAsync(path)) is var reply ? reply.Status : 0, reply.Code));
        Assert.Equal(404, (await _host.PostAsync(path + "/deactivate")).Status);
    }

    [Fact]
    public async Task A_switch_sent_again_with_its_key_gives_the_same_answer_and_changes_nothing()
    {
        var id = await CreateAsync("SWITCHED");
        var off = await _host.PostAsync($"{Path}/{id}/deactivate", idempotencyKey: "off");
        Assert.Equal(200, (await _host.PostAsync($"{Path}/{id}/activate")).Status);
        var again = await _host.PostAsync($"{Path}/{id}/deactivate", idempotencyKey: "off");
        Assert.Equal((off.Body, "true"), (again.Body, again.Header("Idempotency-Replayed")));
        var now = await _host.GetAsync($"{Path}/{id}");
        Assert.True(now.Json.GetProperty("is_active").GetBoolean());
    }

    [Theory]
    [InlineData("dateRange.from=2026-03-02&dateRange.to=2026-03-01", "dateRange.to")]
    [InlineData("dateRange.from=2026-03-01T10:00:00Z&dateRange.to=2026-03-01T10:00:00Z", "dateRange.to")]
    [InlineData("usageRange.min=5&usageRange.max=4", "usageRange.max")]
    [InlineData("revenueRange.min=1.5&revenueRange.max=1", "revenueRange.max")]
    public async Task A_range_that_ends_before_it_starts_is_refused(string query, string field)
    {
        var reply = await _host.GetAsync($"{Path}?{query}");
        Assert.Equal((400, field), (reply.Status, Assert.Single(reply.Errors).Field));
    }

    [Fact]
    public async Task A_day_that_ends_a_range_counts_whole_and_an_instant_does_not()
    {
        await CreateAsync("DAY");
        await _host.Database.ExecuteAsync("update coupons.coupon set created_at = '2026-03-02T12:00:00Z'");
        foreach (var (to, found) in new[] { ("2026-03-02", 1), ("2026-03-02T00:00:00Z", 0) })
        {
            var reply = await _host.GetAsync($"{Path}?dateRange.from=2026-03-01&dateRange.to={to}");
            Assert.Equal((to, found), (to, reply.Json.GetProperty("data").GetArrayLength()));
        }
    }

    private async Task<long> CreateAsync(string code)
    {
        var reply = await _host.PostAsync(Path, Body(code));
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetInt64();
    }

    private static Dictionary<string, object?> Body(string code) => CouponBody.Of(code);
}
