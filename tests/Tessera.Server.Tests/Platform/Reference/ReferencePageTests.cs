using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Http.Api;
using Tessera.Server.Platform.Reference;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Reference;

[Collection(PostgresCollection.Name)]
public sealed partial class ReferencePageTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly DirectoryInfo _app = Directory.CreateTempSubdirectory("tessera-web");
    private TestHost _host = null!;
    private HttpClient _stranger = null!;

    public async Task InitializeAsync()
    {
        // The page links to the app.
        await File.WriteAllTextAsync(Path.Combine(_app.FullName, "index.html"), "<!doctype html><title>app</title>");
        _host = await TestHost.StartAsync(await postgres.DatabaseAsync(), webDirectory: _app.FullName);
        _stranger = _host.ClientOf(null);
    }

    public async Task DisposeAsync()
    {
        _stranger.Dispose();
        await _host.DisposeAsync();
        _app.Delete(recursive: true);
    }

    [Theory]
    [InlineData("/docs", "text/html")]
    [InlineData("/reference/reference.css", "text/css")]
    [InlineData("/reference/reference.js", "text/javascript")]
    [InlineData("/reference/icon.svg", "image/svg+xml")]
    [InlineData(ApiDescription.Path, "application/json")]
    public async Task It_is_served_without_a_key_and_not_sent_twice(string path, string mediaType)
    {
        var reply = await _host.GetAsync(path, _stranger);
        Assert.Equal((200, mediaType), (reply.Status, reply.MediaType));
        Assert.NotEmpty(reply.Body);
        var again = await _host.SendAsync(
            HttpMethod.Get,
            path,
            client: _stranger,
            headers: new Dictionary<string, string> { ["If-None-Match"] = reply.Header("ETag")! }
        );
        Assert.Equal((304, ""), (again.Status, again.Body));
        Assert.Equal(reply.Header("ETag"), again.Header("ETag"));
        Assert.Contains("no-cache", reply.Header("Cache-Control"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asking_for_its_head_answers_without_a_body()
    {
        foreach (var path in ReferencePage.Paths)
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, path);
            using var response = await _stranger.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.True(response.Content.Headers.ContentLength > 0, path);
            Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Nothing_in_it_needs_what_the_content_security_policy_forbids()
    {
        var page = await _host.GetAsync("/docs", _stranger);
        Assert.Contains("default-src 'self'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Single(Scripts().Matches(page.Body));
        Assert.All(Scripts().Matches(page.Body), s => Assert.Matches("^<script src=\"/[^/][^>]*></script>$", s.Value));
        Assert.DoesNotMatch("(?i)<style|\\sstyle\\s*=|\\son[a-z]+\\s*=|javascript:", page.Body);
        foreach (var path in ReferencePage.Paths)
        {
            var body = (await _host.GetAsync(path, _stranger)).Body;
            var hosts = Hosts().Matches(body).Select(m => m.Value).Except(["http://www.w3.org"]);
            Assert.True(!hosts.Any(), $"{path} names {string.Join(", ", hosts)}");
            Assert.DoesNotMatch(@"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|@import", body);
        }
    }

    [Fact]
    public async Task Everything_the_page_asks_for_is_there()
    {
        var page = (await _host.GetAsync("/docs", _stranger)).Body;
        var addresses = Addresses().Matches(page).Select(m => m.Groups["path"].Value).Distinct().ToArray();
        Assert.Contains("/reference/reference.js", addresses);
        foreach (var address in addresses)
        {
            Assert.True((await _host.GetAsync(address, _stranger)).Status == 200, address);
        }

        var script = (await _host.GetAsync("/reference/reference.js", _stranger)).Body;
        Assert.Contains(ApiDescription.Path, script, StringComparison.Ordinal);
        Assert.Contains(ProblemCatalogue.Path + "/", script, StringComparison.Ordinal);
        foreach (Match id in Ids().Matches(script))
        {
            Assert.Contains($"id=\"{id.Groups["id"].Value}\"", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_route_of_the_api_and_every_operation_the_page_links_to_is_in_the_description()
    {
        var paths = (await _host.GetAsync(ApiDescription.Path, _stranger)).Json.GetProperty("paths");
        var described = paths
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject())
            .Select(o => o.Value.GetProperty("operationId").GetString()!)
            .ToHashSet(StringComparer.Ordinal);
        var routes = _host
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText!.TrimStart('/').StartsWith("api/v1", StringComparison.Ordinal))
            .ToArray();
        Assert.NotEmpty(routes);
        Assert.All(
            routes,
            r => Assert.Contains(r.Metadata.GetRequiredMetadata<IEndpointNameMetadata>().EndpointName, described)
        );
        var page = (await _host.GetAsync("/docs", _stranger)).Body;
        var linked = Anchors().Matches(page).Select(m => m.Groups["id"].Value);
        Assert.All(linked.Where(id => id != "content"), id => Assert.Contains(id, described));
    }

    [GeneratedRegex(
        "<script[^>]*>.*?</script>",
        RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.NonBacktracking
    )]
    private static partial Regex Scripts();

    [GeneratedRegex(
        "(?:https?:)?//[a-z0-9-]+(?:\\.[a-z0-9-]+)+",
        RegexOptions.IgnoreCase | RegexOptions.NonBacktracking
    )]
    private static partial Regex Hosts();

    [GeneratedRegex("(?:href|src)=\"(?<path>/[^\"]*)\"", RegexOptions.NonBacktracking)]
    private static partial Regex Addresses();

    [GeneratedRegex("href=\"#(?<id>[A-Za-z]+)\"", RegexOptions.NonBacktracking)]
    private static partial Regex Anchors();

    [GeneratedRegex("byId\\(\"(?<id>[^\"]+)\"\\)", RegexOptions.NonBacktracking)]
    private static partial Regex Ids();
}
