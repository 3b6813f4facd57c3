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
