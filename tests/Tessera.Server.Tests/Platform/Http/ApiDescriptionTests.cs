using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Http.Api;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

[Collection(PostgresCollection.Name)]
public sealed partial class ApiDescriptionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private JsonElement _document;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        using var stranger = _host.ClientOf(null);
        _document = (await _host.GetAsync(ApiDescription.Path, stranger)).Json;
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public void Every_route_is_described_and_nothing_else()
    {
        var routes = _host
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null)
            .SelectMany(e =>
                e.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods.Select(m => m + " " + PlainPath(e))
            );
        Assert.Equal(routes.Order(), Operations().Select(o => o.Method + " " + o.Path).Order());
        Assert.Contains("POST /api/v1/redemptions", Operations().Select(o => o.Method + " " + o.Path));
    }

    [Fact]
    public void Every_operation_says_who_may_use_it_and_what_it_is()
    {
        Assert.StartsWith("3.1", _document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var ids = Operations().Select(o => o.Json.GetProperty("operationId").GetString()).ToArray();
        Assert.All(ids, Assert.NotNull);
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(
            Operations(),
            o =>
            {
                Assert.False(string.IsNullOrEmpty(o.Json.GetProperty("summary").GetString()), o.Path);
                Assert.NotEmpty(o.Json.GetProperty("tags").EnumerateArray());
                // Without a permission only where somebody signs in; that those are few is held by RouteWalkTests.
                var isOpen = o.Json.TryGetProperty("security", out var security) && security.GetArrayLength() == 0;
                Assert.Equal(isOpen, string.IsNullOrEmpty(o.Json.GetProperty("x-permission").GetString()));
                Assert.True(isOpen || o.Json.GetProperty("responses").TryGetProperty("403", out _), o.Path);
                JsonElement[] all = o.Json.TryGetProperty("parameters", out var list) ? [.. list.EnumerateArray()] : [];
                Assert.Equal(all.Length, all.Select(p => p.GetProperty("name").GetString()).Distinct().Count());
                var parameters = all.Where(p => p.GetProperty("in").GetString() == "path").ToArray();
                Assert.All(
                    parameters,
                    p =>
                        Assert.Contains("{" + p.GetProperty("name").GetString() + "}", o.Path, StringComparison.Ordinal)
                );
                Assert.Equal(o.Path.Count(c => c == '{'), parameters.Length);
            }
        );
    }

    [Fact]
    public void Every_reference_leads_somewhere()
    {
        var schemas = _document.GetProperty("components").GetProperty("schemas");
        var references = References(_document).Distinct().ToArray();
        Assert.NotEmpty(references);
        Assert.All(
            references,
            r =>
            {
                Assert.StartsWith("#/components/schemas/", r, StringComparison.Ordinal);
                Assert.True(schemas.TryGetProperty(r["#/components/schemas/".Length..], out _), r);
            }
        );
    }

    [Fact]
    public async Task Every_problem_code_is_explained_at_its_own_page()
    {
        using var stranger = _host.ClientOf(null);
        var listed = (await _host.GetAsync(ProblemCatalogue.Path, stranger)).Json.GetProperty("data");
        var codes = listed.EnumerateArray().Select(p => p.GetProperty("code").GetString()!).ToArray();
        Assert.Contains("expired", codes);
        Assert.Contains("not_signed_in", codes);
        foreach (var code in codes)
        {
            var page = await _host.SendAsync(
                HttpMethod.Get,
                $"{ProblemCatalogue.Path}/{code}",
                client: stranger,
                headers: new Dictionary<string, string> { ["Accept"] = "text/html" }
            );
            Assert.Equal(200, page.Status);
            Assert.Equal("text/html", page.MediaType);
            Assert.Contains("urn:tessera:problem:" + code, page.Body, StringComparison.Ordinal);
        }

        Assert.Equal(404, (await _host.GetAsync(ProblemCatalogue.Path + "/nothing", stranger)).Status);
    }

    /// <summary>The service says it in English; on German pages the app has these words for it instead.</summary>
    [Fact]
    public void Every_problem_code_has_german_words_in_the_app()
    {
        var texts = File.ReadAllText(
            Path.Combine(ArchitectureTests.Root(), "web", "src", "shared", "i18n", "de.refusals.ts")
        );
        var known = GermanWords().Matches(texts).Select(static word => word.Groups["code"].Value).ToArray();
        Assert.Equal(ProblemCatalogue.All.Keys.Order(StringComparer.Ordinal), known.Order(StringComparer.Ordinal));
    }

    /// <summary>The values of a sentence are beside it, at the whole and at each field.</summary>
    [Fact]
    public async Task A_refusal_has_the_values_of_its_sentence()
    {
        var refused = await _host.SendAsync(
            HttpMethod.Post,
            "/api/v1/admin/coupons",
            new
            {
                code = "AB",
                internal_name = "",
                description = new { en = "Ten off." },
                discount_type = "half",
                discount_value = 10,
                currency = "EUR",
                valid_from = "2099-01-01T00:00:00Z",
            }
        );
        Assert.Equal(400, refused.Status);
        Assert.True(refused.Json.GetProperty("params").GetProperty("count").GetInt32() > 1);
        var errors = refused.Json.GetProperty("errors").EnumerateArray().ToArray();
        JsonElement Of(string field) => errors.First(e => e.GetProperty("field").GetString() == field);
        Assert.Equal(3, Of("code").GetProperty("params").GetProperty("minimum").GetInt32());
        Assert.Contains(
            "percentage",
            Of("discount_type").GetProperty("params").GetProperty("values").EnumerateArray().Select(v => v.GetString())
        );
        var schema = _document.GetProperty("components").GetProperty("schemas").GetProperty("Problem");
        Assert.True(schema.GetProperty("properties").TryGetProperty("params", out _));
    }

    /// <summary>A limit or a name that the English sentence has is not lost in the German one.</summary>
    [Fact]
    public void German_words_have_the_values_that_the_service_sends()
    {
        var texts = Path.Combine(ArchitectureTests.Root(), "web", "src", "shared", "i18n");
        var german = ((string[])["de.refusals.ts", "de.faults.ts"])
            .SelectMany(file => GermanSentences().Matches(File.ReadAllText(Path.Combine(texts, file))))
            .ToDictionary(
                static s => s.Groups["key"].Value,
                static s => Names(Placeholders().Matches(s.Groups["text"].Value))
            );
        var said = Said().Distinct().ToArray();
        Assert.True(said.Length > 50, $"Only {said.Length} sentences with values were found.");
        Assert.Contains(("too_long", "maximum"), said);
        Assert.Contains(("region_minimum_validity", "days,region"), said);
        string? Of(string family, string code, string names) =>
            german.GetValueOrDefault($"{family}.{code}:{names}") ?? german.GetValueOrDefault($"{family}.{code}");
        Assert.All(
            said,
            s =>
            {
                // The same code may be of the whole request at one place and of a field at another.
                string?[] words = [Of("problem", s.Code, s.Names), Of("fault", s.Code, s.Names)];
                Assert.True(words.Contains(s.Names), $"{s.Code} has {s.Names}, not {string.Join(" or ", words)}.");
            }
        );
        // A sentence with values that nobody sends would never be shown.
        var sent = said.Select(static s => s.Code + ":" + s.Names).ToHashSet(StringComparer.Ordinal);
        Assert.All(
            german.Where(static g => g.Value.Length > 0),
            g => Assert.Contains(g.Key.Split('.', ':')[1] + ":" + g.Value, sent)
        );
    }

    /// <summary>The closed words of the tables are what entries of the log show as values.</summary>
    [Fact]
    public async Task Every_closed_word_of_the_tables_has_words_in_the_app()
    {
        var definitions = await _host.Database.ColumnAsync<string>(
            "select pg_get_constraintdef(oid) from pg_constraint where contype = 'c' and conparentid = 0"
        );
        string[] words =
        [
            .. definitions
                .SelectMany(static d => ClosedSets().Matches(d))
                .SelectMany(static set => ClosedWords().Matches(set.Value))
                .Select(static word => word.Groups["word"].Value)
                .Distinct(StringComparer.Ordinal),
        ];
        Assert.Contains("pending_expiration", words);
        foreach (var language in (string[])["en", "de"])
        {
            var texts = await File.ReadAllTextAsync(
                Path.Combine(ArchitectureTests.Root(), "web", "src", "shared", "i18n", language + ".said.ts")
            );
            Assert.DoesNotContain(words, w => !texts.Contains($"'said.{w}': '", StringComparison.Ordinal));
        }
    }

    /// <summary>The sentences with values in the sources: the code before each, and the names of its values.</summary>
    private static IEnumerable<(string Code, string Names)> Said()
    {
        var source = Path.Combine(ArchitectureTests.Root(), "src");
        foreach (var room in (string[])["Tessera.Core", "Tessera.Server"])
        {
            foreach (
                var file in Directory.EnumerateFiles(Path.Combine(source, room), "*.cs", SearchOption.AllDirectories)
            )
            {
                foreach (Match sentence in SentencesWithValues().Matches(File.ReadAllText(file)))
                {
                    var code = sentence.Groups["code"].Value;
                    var names = Names(Holes().Matches(sentence.Groups["text"].Value));
                    if (names.Length > 0)
                    {
                        yield return (code, names);
                    }
                }
            }
        }

        // Said by a property of their own, for several codes or places.
        yield return ("region_minimum_validity", "days");
        yield return ("region_minimum_validity", "days,region");
        yield return ("region_end_brought_forward", "days");
        yield return ("region_end_brought_forward", "days,region");
        yield return ("region_end_brought_forward", "region");
        yield return ("unknown_reference", "names");
        yield return ("broken_row", "cells,columns");
    }

    private static string Names(MatchCollection found) =>
        string.Join(',', found.Select(static m => m.Groups["name"].Value).Distinct().Order(StringComparer.Ordinal));

    [GeneratedRegex(
        "^ +'(?<key>(?:problem|fault)\\.[a-z_0-9]+(?::[a-z,]+)?)': '(?<text>[^']*)',$",
        RegexOptions.Multiline,
        1_000
    )]
    private static partial Regex GermanSentences();

    [GeneratedRegex("\\{(?<name>[a-z]+)\\}", RegexOptions.None, 1_000)]
    private static partial Regex Placeholders();

    /// <summary>A value of a sentence in the sources, with its name behind the colon.</summary>
    [GeneratedRegex("\\{[^{}]+:(?<name>[a-z]+)\\}", RegexOptions.None, 1_000)]
    private static partial Regex Holes();

    [GeneratedRegex("\"(?<code>[a-z_0-9]+)\",\\s*\\$\"(?<text>(?:[^\"{]|\\{[^{}]*\\})*)\"", RegexOptions.None, 1_000)]
    private static partial Regex SentencesWithValues();

    [GeneratedRegex("= ANY \\(ARRAY\\[[^\\]]*\\]", RegexOptions.None, 1_000)]
    private static partial Regex ClosedSets();

    [GeneratedRegex("'(?<word>[a-z0-9_]+)'::text", RegexOptions.None, 1_000)]
    private static partial Regex ClosedWords();

    [GeneratedRegex("^ +'problem\\.(?<code>[a-z_]+)': '.{12,}',$", RegexOptions.Multiline, 1_000)]
    private static partial Regex GermanWords();

    private IEnumerable<(string Path, string Method, JsonElement Json)> Operations() =>
        _document
            .GetProperty("paths")
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => (p.Name, o.Name.ToUpperInvariant(), o.Value)));

    private static string PlainPath(RouteEndpoint endpoint)
    {
        var parts = endpoint.RoutePattern.PathSegments.Select(s =>
            string.Concat(
                s.Parts.Select(p =>
                    p switch
                    {
                        Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart named => "{" + named.Name + "}",
                        Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
                        Microsoft.AspNetCore.Routing.Patterns.RoutePatternSeparatorPart separator => separator.Content,
                        _ => "",
                    }
                )
            )
        );
        return "/" + string.Join('/', parts);
    }

    private static IEnumerable<string> References(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject()
                .SelectMany(m => m.Name == "$ref" ? [m.Value.GetString()!] : References(m.Value)),
            JsonValueKind.Array => json.EnumerateArray().SelectMany(References),
            _ => [],
        };
}
