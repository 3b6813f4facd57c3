using System.Text.Json.Nodes;
using Tessera.Server.Platform.Http.Api;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

/// <summary>
/// Whatever anybody sends, the answer is a decision and never a defect: every parameter of every route and every member
/// of every body, one at a time, with values that nobody would send by mistake.
/// </summary>
[Collection(PostgresCollection.Name)]
public sealed class HostileInputTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string[] Texts =
    [
        "%00",
        "%ff%fe",
        "%ED%A0%80",
        "%27%20or%201=1--",
        "%F0%9F%92%A9",
        "%C2%A0%E2%80%AE",
        "-1",
        "0",
        "99999999999999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "1e400",
        "NaN",
        "2026-13-45",
        "0001-01-01T00:00:00Z",
        "9998-12-31T23:59:59-14:00",
        "9999-12-31",
        "1901-01-01",
        "..%2f..%2fetc",
        "a,b,,c",
        new string('a', 3000),
    ];

    private static readonly string[] Values =
    [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e400",
        "9223372036854775807",
        "-9007199254740991",
        "9007199254740991",
        "0.0000000000000000000000000001",
        "79228162514264337593543950335",
        "\"\"",
        "\" \"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\u202e\\uFEFF\"",
        "\"A\\n\"",
        "\"9998-12-31T23:59:59-14:00\"",
        "\"9999-12-31\"",
        "\"1901-01-01\"",
        "\"00000000-0000-0000-0000-000000000000\"",
        "[]",
        "[null]",
        "[[]]",
        "[\"a\",\"a\"]",
        "[-1]",
        "{}",
        "{\"\":null}",
        "{\"a\":{\"a\":1}}",
        "\"" + new string('x', 70_000) + "\"",
    ];

    private TestHost _host = null!;
    private JsonObject _document = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _document = JsonNode.Parse((await _host.GetAsync(ApiDescription.Path)).Body)!.AsObject();
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Nothing_in_an_address_is_a_defect()
    {
        var addresses = new List<(string Method, string Path)>();
        foreach (var (template, method, operation) in Operations())
        {
            var parameters = operation["parameters"]?.AsArray() ?? [];
            foreach (var parameter in parameters.Where(p => p!["in"]!.GetValue<string>() is "path" or "query"))
            {
                var name = parameter!["name"]!.GetValue<string>();
                var inPath = parameter["in"]!.GetValue<string>() == "path";
                addresses.AddRange(
                    Texts.Select(text =>
                        (
                            method,
                            inPath
                                ? Plain(template.Replace("{" + name + "}", text, StringComparison.Ordinal))
                                : $"{Plain(template)}?{name}={text}"
                        )
                    )
                );
            }
        }

        Assert.True(addresses.Count > 500);
        var defects = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Parallel.ForEachAsync(
            addresses,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (address, _) =>
            {
                var body = address.Method is "get" or "delete" ? null : "{}";
                var reply = await SendAsync(address.Method, address.Path, body);
                if (reply.Status >= 500)
                {
                    defects.Add($"{address.Method} {address.Path}: {reply.Body}");
                }
            }
        );
        Assert.Empty(defects);
    }

    [Fact]
    public async Task Nothing_in_a_body_is_a_defect()
    {
        var bodies = new List<(string Method, string Path, string Body)>();
        foreach (var (template, method, operation) in Operations())
        {
            foreach (var (type, content) in operation["requestBody"]?["content"]?.AsObject() ?? [])
            {
                if (type.EndsWith("json", StringComparison.Ordinal) && content!["example"] is JsonObject example)
                {
                    bodies.AddRange(Variants(example).Select(body => (method, Plain(template), body)));
                }
            }
        }

        Assert.True(bodies.Count > 1000);
        var defects = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Parallel.ForEachAsync(
            bodies,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (sent, _) =>
            {
                var reply = await SendAsync(sent.Method, sent.Path, sent.Body);
                if (reply.Status >= 500)
                {
                    defects.Add(
                        $"{sent.Method} {sent.Path} {sent.Body[..Math.Min(600, sent.Body.Length)]}: {reply.Body}"
                    );
                }
            }
        );
        Assert.Empty(defects);
    }

    /// <summary>The example with each member in turn, at any depth, replaced by each hostile value.</summary>
    private static IEnumerable<string> Variants(JsonObject example)
    {
        const string place = "\"@@@\"";
        foreach (var holder in Objects(example).ToArray())
        {
            foreach (var (name, value) in holder.ToArray())
            {
                holder[name] = "@@@";
                var text = example.ToJsonString();
                foreach (var hostile in Values)
                {
                    yield return text.Replace(place, hostile, StringComparison.Ordinal);
                }

                holder[name] = value;
            }
        }
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? node) =>
        node switch
        {
            JsonObject json => json.Select(m => m.Value).SelectMany(Objects).Prepend(json),
            JsonArray list => list.SelectMany(Objects),
            _ => [],
        };

    private Task<Reply> SendAsync(string method, string path, string? body) =>
        _host.SendAsync(
            new HttpMethod(method.ToUpperInvariant()),
            path,
            body,
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );

    private static string Plain(string template) =>
        System.Text.RegularExpressions.Regex.Replace(
            template,
            "{[^}]*}",
            "1",
            System.Text.RegularExpressions.RegexOptions.NonBacktracking
        );

    private IEnumerable<(string Path, string Method, JsonNode Json)> Operations() =>
        _document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => (p.Key, o.Key, o.Value!)));
}
