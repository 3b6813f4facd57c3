using System.Text;
using System.Text.Json;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

/// <summary>How quotes are written, without a shape in between.</summary>
public sealed class QuoteWritingTests
{
    [Fact]
    public void A_price_is_written_as_it_is_described()
    {
        var change = new SmallestChange("wait_until", 5, DateTimeOffset.UnixEpoch, "p");
        var whole = QuoteSamples.Answer with
        {
            IsBest = true,
            Applied = [new QuotedPromotion("p", 2, 300, "ÄCODE"), new QuotedPromotion("q", 1, 5)],
            Rejected =
            [
                new QuoteRejection("expired", "\"A\"", "p", "window", change),
                new QuoteRejection("below_minimum", Change: new SmallestChange("spend_more", 420)),
            ],
        };
        foreach (var answer in (QuoteAnswer[])[whole, whole with { Receipt = null, IsBest = null, Rejected = [] }])
        {
            using var written = new MemoryStream();
            using (var json = new Utf8JsonWriter(written, new JsonWriterOptions { Encoder = Wire.Json.Encoder }))
            {
                QuoteWriting.Write(json, answer);
            }

            Assert.Equal(JsonSerializer.Serialize(answer, Wire.Json), Encoding.UTF8.GetString(written.ToArray()));
        }
    }
}
