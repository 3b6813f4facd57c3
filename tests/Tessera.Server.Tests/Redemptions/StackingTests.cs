using System.Text.Json;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Coupons;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

/// <summary>RUL-05: coupons without a promotion of their own, beside one another on one cart.</summary>
[Collection(PostgresCollection.Name)]
public sealed class StackingTests(PostgresFixture postgres) : ShopTests(postgres)
{
    private const string Coupons = "/api/v1/admin/coupons";

    [Fact]
    public async Task Of_two_exclusive_coupons_the_one_with_the_earlier_place_is_used_alone_in_quote_and_redemption()
    {
        var lone = await CouponAsync("LONE", new() { ["stacking"] = "exclusive", ["apply_order"] = 20 });
        var sole = await CouponAsync("SOLE", new() { ["stacking"] = "exclusive", ["apply_order"] = 10 });
        await CouponAsync("PLAIN");
        string[] codes = ["PLAIN", "LONE", "SOLE"];
        var customer = await Given.CustomerAsync();
        var quote = await QuoteAsync(customer, codes);
        Assert.Equal(["SOLE 100"], Applied(quote));
        string[] refused = [$"LONE not_stackable coupon:{sole}", $"PLAIN not_stackable coupon:{sole}"];
        Assert.Equal(refused, Rejected(quote));
        Assert.Contains(
            "LONE does not apply: another promotion takes its place. Leave out SOLE.",
            quote.GetProperty("receipt").GetProperty("sentences").EnumerateArray().Select(static s => s.GetString())
        );

        var whole = await Shop.RedeemAsync("1", customer, codes);
        Assert.Equal([("codes.0", "not_stackable"), ("codes.1", "not_stackable")], whole.Errors.Order());
        var order = await Shop.RedeemAsync("1", customer, codes, mode: "best_effort");
        Assert.True(order.Status == 201, order.Body);
        Assert.Equal(["SOLE 100"], Applied(order.Json));
        Assert.Equal(refused, Rejected(order.Json));
        var receipt = order.Json.GetProperty("receipt_id").GetGuid();
        var told = await Receipts.TellAsync(Host.Database.Database, receipt, german: false, replay: true, default);
        Assert.Null(told!.Difference);

        // Without the first the second is alone; a coupon that is no longer exclusive gives way to one that is.
        Assert.Equal(["LONE 100"], Applied(await QuoteAsync(customer, ["PLAIN", "LONE"])));
        Assert.Equal(200, (await ChangeAsync(lone, "LONE", [])).Status);
        var other = await Given.CustomerAsync();
        Assert.Equal(["LONE 100", "PLAIN 90"], Applied(await QuoteAsync(other, ["LONE", "PLAIN"])));
        Assert.Equal(["LONE 100", "PLAIN 90"], Applied((await Shop.RedeemAsync("2", other, ["LONE", "PLAIN"])).Json));
        var change = await Host.Database.ScalarAsync<string>(
            "select payload::text from platform.event where type = 'coupon.updated'"
        );
        using var changes = JsonDocument.Parse(change);
        Assert.Equal("exclusive", changes.RootElement.GetProperty("stacking").GetProperty("before").GetString());
        Assert.Equal("stackable", changes.RootElement.GetProperty("stacking").GetProperty("after").GetString());
        Assert.Equal("20", changes.RootElement.GetProperty("apply_order").GetProperty("before").GetString());
    }

    [Fact]
    public async Task Coupons_that_name_groups_combine_where_they_share_one_in_the_order_of_their_places()
    {
        await CouponAsync("SPRING", new() { ["stacking_groups"] = (string[])["a"], ["apply_order"] = 3 });
        await CouponAsync("SUMMER", new() { ["stacking_groups"] = (string[])["b"], ["apply_order"] = 2 });
        await CouponAsync("ALWAYS", new() { ["stacking_groups"] = (string[])["a", "b"], ["apply_order"] = 1 });
        await CouponAsync("PLAIN");
        string[] codes = ["PLAIN", "SPRING", "SUMMER", "ALWAYS"];
        var customer = await Given.CustomerAsync();
        string[] expected = ["ALWAYS 100", "SUMMER 90", "PLAIN 81"];
        var quote = await QuoteAsync(customer, codes);
        Assert.Equal(expected, Applied(quote));
        Assert.Equal("SPRING", quote.GetProperty("rejected")[0].GetProperty("code").GetString());
        var order = await Shop.RedeemAsync("1", customer, codes, mode: "best_effort");
        Assert.Equal(expected, Applied(order.Json));
    }

    [Fact]
    public async Task What_cannot_be_is_refused_when_it_is_saved()
    {
        (Dictionary<string, object?> More, string Field, string Code)[] cases =
        [
            (new() { ["stacking"] = "sometimes" }, "stacking", "unknown_value"),
            (
                new() { ["stacking"] = "exclusive", ["stacking_groups"] = (string[])["a"] },
                "stacking_groups",
                "contradiction"
            ),
            (new() { ["stacking_groups"] = (string[])["a", "a"] }, "stacking_groups", "duplicate"),
            (new() { ["stacking_groups"] = (string[])[" "] }, "stacking_groups", "required"),
            (new() { ["apply_order"] = 0 }, "apply_order", "out_of_range"),
            (new() { ["apply_order"] = 1_000_001 }, "apply_order", "out_of_range"),
        ];
        foreach (var (more, field, code) in cases)
        {
            var reply = await Host.PostAsync(Coupons, CouponBody.Of("WRONG", more));
            Assert.Equal(400, reply.Status);
            Assert.Equal([(field, code)], reply.Errors);
        }

        var none = await Host.PostAsync(
            Coupons,
            CouponBody.Of("EMPTY", new() { ["stacking_groups"] = Array.Empty<string>() })
        );
        Assert.Equal(JsonValueKind.Null, none.Json.GetProperty("stacking_groups").ValueKind);
        Assert.Equal("stackable", none.Json.GetProperty("stacking").GetString());
    }

    private async Task<long> CouponAsync(string code, Dictionary<string, object?>? more = null)
    {
        var made = await Host.PostAsync(Coupons, CouponBody.Of(code, more));
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetInt64();
    }

    private async Task<Reply> ChangeAsync(long id, string code, Dictionary<string, object?> more)
    {
        var before = await Host.GetAsync($"{Coupons}/{id}");
        more["valid_from"] = before.Json.GetProperty("valid_from").GetString();
        return await Host.SendAsync(
            HttpMethod.Put,
            $"{Coupons}/{id}",
            CouponBody.Of(code, more),
            headers: new Dictionary<string, string> { ["If-Match"] = before.Header("ETag")! }
        );
    }

    private async Task<JsonElement> QuoteAsync(Guid customer, string[] codes)
    {
        object[] lines =
        [
            new
            {
                id = "l0",
                sku = "SKU0",
                unit_price = 1000,
                quantity = 1,
            },
        ];
        var body = new
        {
            currency = "USD",
            customer_id = customer,
            codes,
            lines,
        };
        var reply = await Host.PostAsync("/api/v1/quotes", body);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json;
    }

    private static IEnumerable<string> Applied(JsonElement priced) =>
        priced
            .GetProperty("applied")
            .EnumerateArray()
            .Select(static a => $"{a.GetProperty("code").GetString()} {a.GetProperty("discount").GetInt64()}");

    private static IEnumerable<string> Rejected(JsonElement priced) =>
        priced
            .GetProperty("rejected")
            .EnumerateArray()
            .Select(static r =>
                $"{r.GetProperty("code").GetString()} {r.GetProperty("reason").GetString()} {r.GetProperty("change").GetProperty("subject").GetString()}"
            )
            .Order(StringComparer.Ordinal);
}
