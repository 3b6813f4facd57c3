using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

/// <summary>Receipts of quotes that are kept.</summary>
[Collection(PostgresCollection.Name)]
public sealed class QuoteReceiptTests(PostgresFixture postgres) : QuotedTests(postgres)
{
    [Fact]
    public async Task A_kept_receipt_is_read_in_both_languages_and_computes_again_to_the_same()
    {
        await ActiveAsync(PromotionTests.Simple("Ten", 10));
        await Given.CouponAsync("BIG", "minimum_order_minor, currency", "10420, 'EUR'");
        var quote = await QuoteAsync(
            """
            {"currency":"EUR","keep":true,"codes":["BIG","NOBODY"],
             "lines":[{"id":"1","sku":"a","unit_price":10000,"quantity":1}]}
            """
        );
        var id = quote.GetProperty("receipt").GetProperty("id").GetGuid();
        var german = await Host.GetAsync($"/api/v1/receipts/{id}?lang=de");
        Assert.Equal(
            [
                "Ten senkt die Bestellung um 10,00 EUR bei Position 1, die 100,00 EUR kostete.",
                "NOBODY wird nicht angewandt: diesen Code gibt es nicht.",
                "BIG wird nicht angewandt: die Bestellung ist zu klein. Es fehlen 4,20 EUR.",
                "Waren für 100,00 EUR kosten mit Lieferung und Rabatten 90,00 EUR.",
            ],
            german.Json.GetProperty("sentences").EnumerateArray().Select(s => s.GetString())
        );
        using var reader = Host.ClientOf(await Host.KeyAsync(["receipts.read"]));
        var english = await Host.SendAsync(
            HttpMethod.Get,
            $"/api/v1/receipts/{id}",
            client: reader,
            headers: new Dictionary<string, string> { ["Accept-Language"] = "fr, en;q=0.5" }
        );
        Assert.Contains("NOBODY does not apply: it is not valid.", english.Body, StringComparison.Ordinal);

        // Changed and switched off meanwhile: the receipt still names what decided.
        await Host.Database.ExecuteAsync("update promotions.promotion set state = 'inactive'");
        await using var work = await Host.Database.Database.BeginAsync(default);
        var stored = await ReceiptStore.FindAsync(work, id, null, default);
        var replayed = await Replaying.RunAsync(work, stored!, default);
        Assert.Null(replayed.Difference);
        var database = Host.Database.Database;
        Assert.Equal(0, await Cli.Commands.ReceiptCommand.RunAsync(database, id, german: false, replay: true, default));
        var none = Guid.CreateVersion7();
        Assert.Equal(
            2,
            await Cli.Commands.ReceiptCommand.RunAsync(database, none, german: true, replay: false, default)
        );
        Assert.Equal(404, (await Host.GetAsync("/api/v1/receipts/" + Guid.CreateVersion7())).Status);
    }
}
