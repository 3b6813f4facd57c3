using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

/// <summary>Prices of what is not saved.</summary>
[Collection(PostgresCollection.Name)]
public sealed class QuotePreviewTests(PostgresFixture postgres) : QuotedTests(postgres)
{
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
        var both = await Host.PostAsync(Path + "/preview", $"{{{promotion},{carts}}}");
        Assert.True(both.Status == 200, both.Body);
        Assert.Equal([100, 1400], Discounts(both));
        var alone = await Host.PostAsync(Path + "/preview", $"{{\"alone\":true,{promotion},{carts}}}");
        Assert.Equal([0, 500], Discounts(alone));
        const string coupon = """
            "coupon":{"code":"SPRING","valid_from":"2090-01-01","discount_type":"percentage","discount_value":20,"max_discount_amount":15,"currency":"EUR"}
            """;
        var priced = await Host.PostAsync(Path + "/preview", $"{{\"alone\":true,{coupon},{carts}}}");
        Assert.Equal([200, 1500], Discounts(priced));
        Assert.Equal(0, priced.Json.GetProperty("warnings").GetArrayLength());
        var whole = coupon.Replace("\"discount_value\":20", "\"discount_value\":100", StringComparison.Ordinal);
        var free = await Host.PostAsync(Path + "/preview", $"{{\"alone\":true,{whole},{carts}}}");
        Assert.Equal("free_by_stacking", free.Json.GetProperty("warnings")[0].GetProperty("code").GetString());
        const string sessions = """
            "carts":[{"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1,"service":"30_for_30"}]},
                {"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1,"service":"book_a_meeting"}]}]
            """;
        var bound = coupon.Replace(
            "\"code\"",
            "\"applicable_to\":\"book_a_meeting\",\"code\"",
            StringComparison.Ordinal
        );
        var booked = await Host.PostAsync(Path + "/preview", $"{{\"alone\":true,{bound},{sessions}}}");
        Assert.True(booked.Status == 200, booked.Body);
        Assert.Equal([0, 200], Discounts(booked));
        Assert.Equal([("promotion", "required")], (await Host.PostAsync(Path + "/preview", $"{{{carts}}}")).Errors);
        Assert.Equal(1, await Host.Database.ScalarAsync<long>("select count(*) from promotions.promotion"));

        static IEnumerable<long> Discounts(Reply reply) =>
            reply.Status != 200
                ? throw new InvalidOperationException(reply.Body)
                : reply.Json.GetProperty("quotes").EnumerateArray().Select(q => Of(q, "discount"));
    }
}
