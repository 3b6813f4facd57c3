using System.Diagnostics;
using System.Text;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

/// <summary>What is no cart.</summary>
[Collection(PostgresCollection.Name)]
public sealed class QuoteInputTests(PostgresFixture postgres) : QuotedTests(postgres)
{
    [Fact]
    public async Task Bad_carts_are_refused_by_field_and_reason_in_bounded_time()
    {
        const string Line = """[{"id":"1","sku":"a","unit_price":1,"quantity":1}]""";
        (string Body, string Field, string Code)[] cases =
        [
            (Cart("""[]"""), "lines", "required"),
            (Cart(Lines(10_000)), "lines", "too_many"),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":9007199254740991,"quantity":2}]"""),
                "lines",
                "amount_too_large"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":92233720368547758070,"quantity":2}]"""),
                "lines.0.unit_price",
                "not_an_integer"
            ),
            (Cart("""[{"id":"1","sku":"a","unit_price":-1,"quantity":1}]"""), "lines.0.unit_price", "out_of_range"),
            (Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":0}]"""), "lines.0.quantity", "out_of_range"),
            (Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":2000000}]"""), "lines", "too_many_units"),
            (Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":-1}]"""), "lines.0.quantity", "out_of_range"),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":4000000000}]"""),
                "lines.0.quantity",
                "out_of_range"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":99999999999999999999}]"""),
                "lines.0.quantity",
                "not_an_integer"
            ),
            (
                Cart(Line, "\"shipping\":[{\"id\":\"p\",\"method\":\"std\",\"amount\":-5}],"),
                "shipping.0.amount",
                "out_of_range"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":1,"currency":"USD"}]"""),
                "lines.0.currency",
                "mixed_currencies"
            ),
            (
                Cart(Line, "\"shipping\":[{\"id\":\"p\",\"method\":\"std\",\"amount\":5,\"currency\":\"USD\"}],"),
                "shipping.0.currency",
                "mixed_currencies"
            ),
            ("""{"currency":"EUR"}""", "lines", "required"),
            (
                Cart(
                    """[{"id":"1","sku":"a","unit_price":1,"quantity":1},{"id":"1","sku":"b","unit_price":1,"quantity":1}]"""
                ),
                "lines.1.id",
                "duplicate"
            ),
            (
                Cart("""[{"id":"1","sku":"a","unit_price":1,"quantity":1,"weight":5}]"""),
                "lines.0.weight",
                "unknown_member"
            ),
            (Cart(Line, $"\"codes\":[{string.Join(',', Enumerable.Repeat("\"A\"", 31))}],"), "codes", "too_many"),
            (
                Cart(Line, "\"customer_id\":\"01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e\","),
                "customer_id",
                "unknown_customer"
            ),
            (Cart(Line, "\"customer\":{\"shoe_size\":44},"), "customer.shoe_size", "unknown_member"),
        ];
        foreach (var (body, field, code) in cases)
        {
            var watch = Stopwatch.StartNew();
            var reply = await Host.PostAsync(Path, body);
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
            Assert.True(400 == reply.Status, $"{field} {code}: {reply.Status}");
            Assert.Contains((field, code), reply.Errors);
            if (code == "unknown_customer")
            {
                continue;
            }

            // One reader of carts: a redemption refuses the same fields for the same reasons.
            var order = await Host.PostAsync("/api/v1/orders/redemptions", "{\"reference\":\"R1\"," + body[1..]);
            Assert.Equal(reply.Errors, order.Errors);
        }

        var deep = Cart(Line, "\"x\":" + new string('[', 100) + new string(']', 100) + ",");
        Assert.Equal(
            [("x" + string.Concat(Enumerable.Repeat(".0", 31)), "too_deep")],
            (await Host.PostAsync(Path, deep)).Errors
        );

        static string Cart(string lines, string more = "") => $$"""{"currency":"EUR",{{more}}"lines":{{lines}}}""";

        static string Lines(int count)
        {
            var lines = new StringBuilder("[");
            for (var i = 0; i < count; i++)
            {
                lines
                    .Append(i == 0 ? "" : ",")
                    .Append("{\"id\":\"")
                    .Append(i)
                    .Append("\",\"sku\":\"a\",\"unit_price\":1,\"quantity\":1}");
            }

            return lines.Append(']').ToString();
        }
    }
}
