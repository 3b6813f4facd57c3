using System.Text;
using Tessera.Core;
using Tessera.Server.Platform.Http;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

public sealed class FieldsTests
{
    [Theory]
    [InlineData("9007199254740991", null)]
    [InlineData("-9007199254740991", null)]
    [InlineData("9007199254740992", "out_of_range")]
    [InlineData("9223372036854775808", "not_an_integer")]
    [InlineData("1.0", "not_an_integer")]
    [InlineData("1e3", "not_an_integer")]
    [InlineData("\"1\"", "not_an_integer")]
    [InlineData("true", "not_an_integer")]
    [InlineData("null", "required")]
    public void A_whole_number_is_one_that_every_reader_keeps_exact(string json, string? code)
    {
        var fields = Of("{\"n\":" + json + "}");
        fields.Integer("n", -Fields.MaximumInteger, Fields.MaximumInteger);
        Assert.Equal(code, fields.Errors.SingleOrDefault()?.Code);
    }

    [Theory]
    [InlineData("""{"amount":1999,"currency":"EUR"}""", null)]
    [InlineData("""{"amount":-1,"currency":"EUR"}""", "m.amount out_of_range")]
    [InlineData("""{"amount":19.99,"currency":"EUR"}""", "m.amount not_an_integer")]
    [InlineData("""{"amount":1,"currency":"EURO"}""", "m.currency too_long")]
    [InlineData("""{"amount":1,"currency":"eur"}""", "m.currency unknown_currency")]
    [InlineData("""{"amount":1}""", "m.currency required")]
    [InlineData("""{"amount":1,"currency":"EUR","scale":2}""", "m.scale unknown_member")]
    [InlineData("""{"amount":1,"amount":2,"currency":"EUR"}""", "m.amount duplicate_member")]
    [InlineData("1999", "m not_an_object")]
    public void Money_is_an_integer_of_minor_units_with_its_currency(string json, string? error)
    {
        var fields = Of("{\"m\":" + json + "}");
        var money = fields.Money("m");
        var refusal = fields.Finish();
        Assert.Equal(error, refusal?.Errors!.Select(e => $"{e.Field} {e.Code}").Single());
        Assert.Equal(error is null ? new Money(1999, "EUR") : null, refusal is null ? money : null);
    }

    [Theory]
    [InlineData("2026-11-27T10:15:00Z", true)]
    [InlineData("2026-11-27T10:15:00.123456+02:00", true)]
    [InlineData("2026-11-27T10:15:00", false)]
    [InlineData("2026-11-27", false)]
    [InlineData("27.11.2026 10:15", false)]
    [InlineData("2026-02-30T00:00:00Z", false)]
    [InlineData("9999-12-31T23:59:59Z", false)]
    public void An_instant_names_its_offset(string text, bool isOne)
    {
        var fields = Of("{\"at\":\"" + text + "\"}");
        Assert.Equal(isOne, fields.Instant("at") is not null);
        Assert.Equal(isOne, fields.Errors.Count == 0);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once_with_pointers_into_the_body()
    {
        var fields = Of("""{"a":{"b":[1,"x",null],"c/d":1},"e":1,"e":2}""");
        var a = fields.Object("a");
        a!.List("b", 10, static (item, place) => item.Text(place, 5));
        fields.Text("missing", 5);
        var errors = fields.Finish()!.Errors!.Select(e => $"{e.Pointer} {e.Code}").Order();
        Assert.Equal(
            [
                "#/a/b/0 not_text",
                "#/a/b/2 required",
                "#/a/c~1d unknown_member",
                "#/e duplicate_member",
                "#/e unknown_member",
                "#/missing required",
            ],
            errors
        );
    }

    [Theory]
    [InlineData("\\u0000")]
    [InlineData("\\ud800")]
    [InlineData("a\\u001bb")]
    public void Text_that_no_one_can_have_meant_is_refused(string text)
    {
        var fields = Of("{\"t\":\"" + text + "\"}");
        Assert.Null(fields.Text("t", 100));
        Assert.Single(fields.Errors);
    }

    private static Fields Of(string json)
    {
        var (body, refusal) = RequestBody.Parse(Encoding.UTF8.GetBytes(json));
        Assert.Null(refusal);
        return Fields.Of(body!);
    }
}
