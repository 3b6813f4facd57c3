using System.Globalization;
using System.Text;
using System.Text.Json;
using Tessera.Server.Audit;
using Xunit;

namespace Tessera.Server.Tests.Audit;

public sealed class CanonicalJsonTests
{
    [Theory]
    [InlineData(""" { "b" : 1 , "a" : [ true , null , -5 ] } """, """{"a":[true,null,-5],"b":1}""")]
    [InlineData("""{"id": 1, "at": {"z": {}, "y": []}}""", """{"at":{"y":[],"z":{}},"id":1}""")]
    [InlineData("""{"a": "\u0041\u00e9\/\u001F\u0008\"\\"}""", """{"a":"Aé/\u001f\b\"\\"}""")]
    [InlineData("""{"\u0062": 1, "a": 2, "\n": 3}""", """{"\n":3,"a":2,"b":1}""")]
    [InlineData("\"plain\"", "\"plain\"")]
    public void Members_are_in_order_and_spaces_and_needless_escapes_are_gone(string json, string canonical) =>
        Assert.Equal(canonical, Canonical(json));

    [Fact]
    public void Names_are_in_the_order_of_their_utf16_code_units()
    {
        // RFC 8785, 3.2.3: a surrogate comes before U+FB33, although its character comes after.
        const string json =
            "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}";
        Assert.Equal("{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}", Canonical(json));
    }

    [Fact]
    public void A_thousand_members_are_in_order_too()
    {
        var names = Enumerable
            .Range(0, 1000)
            .Select(i => (i * 617 % 1000).ToString("d4", CultureInfo.InvariantCulture));
        var json = "{" + string.Join(", ", names.Select(n => $"\"{n}\": {{\"b\": 1, \"a\": \"{n}\"}}")) + "}";
        using var canonical = JsonDocument.Parse(Canonical(json));
        var found = canonical.RootElement.EnumerateObject().ToList();
        Assert.Equal(1000, found.Count);
        Assert.Equal(found.Select(m => m.Name).Order(StringComparer.Ordinal), found.Select(m => m.Name));
        Assert.All(found, m => Assert.Equal($"{{\"a\":\"{m.Name}\",\"b\":1}}", m.Value.GetRawText()));
    }

    private static string Canonical(string json)
    {
        using var value = JsonDocument.Parse(json);
        return Encoding.UTF8.GetString(CanonicalJson.Bytes(value.RootElement).Span);
    }
}
