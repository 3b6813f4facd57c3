using System.Text;
using Tessera.Server.Platform.Reference;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform;

[Collection(PostgresCollection.Name)]
public sealed class WebAppTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly DirectoryInfo _built = Directory.CreateTempSubdirectory("tessera-web");
    private TestHost _host = null!;
    private HttpClient _stranger = null!;

    public async Task InitializeAsync()
    {
        await WriteAsync("index.html", "<!doctype html><title>page</title>");
        await WriteAsync("icon.svg", "<svg/>");
        await WriteAsync("assets/app-1a2b.js", "plain();");
        await WriteAsync("assets/app-1a2b.js.br", "as brotli");
        await WriteAsync("assets/app-1a2b.js.gz", "as gzip");
        await WriteAsync("secret.txt", "not of the app");
        _host = await TestHost.StartAsync(await postgres.DatabaseAsync(), webDirectory: _built.FullName);
        _stranger = _host.ClientOf(null);
    }

    public async Task DisposeAsync()
    {
        _stranger.Dispose();
        await _host.DisposeAsync();
        _built.Delete(recursive: true);
    }

    [Theory]
    [InlineData("/app")]
    [InlineData("/app/")]
    [InlineData("/app/coupons")]
    [InlineData("/app/coupons/12/edit")]
    public async Task Every_address_of_the_app_answers_with_its_page_which_is_asked_about_each_time(string path)
    {
        var reply = await _host.GetAsync(path, _stranger);
        Assert.Equal((200, "text/html"), (reply.Status, reply.MediaType));
        Assert.Contains("<title>page</title>", reply.Body, StringComparison.Ordinal);
        Assert.Equal("no-cache", reply.Header("Cache-Control"));
        Assert.Contains("default-src 'self'", reply.Header("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("br", "as brotli")]
    [InlineData("gzip, deflate", "as gzip")]
    [InlineData("gzip, br;q=0", "as gzip")]
    [InlineData("identity", "plain();")]
    public async Task Parts_are_sent_as_the_browser_can_take_them_and_kept_for_good(string accepts, string body)
    {
        var reply = await _host.SendAsync(
            HttpMethod.Get,
            "/app/assets/app-1a2b.js",
            client: _stranger,
            headers: new Dictionary<string, string> { ["Accept-Encoding"] = accepts }
        );
        Assert.Equal((200, body), (reply.Status, reply.Body));
        Assert.Contains("immutable", reply.Header("Cache-Control"), StringComparison.Ordinal);
        Assert.Equal("Accept-Encoding", reply.Header("Vary"));
    }

    [Fact]
    public async Task What_has_no_compressed_form_is_sent_whole_even_to_who_would_take_one()
    {
        var reply = await _host.SendAsync(
            HttpMethod.Get,
            "/app/icon.svg",
            client: _stranger,
            headers: new Dictionary<string, string> { ["Accept-Encoding"] = "gzip, br" }
        );
        Assert.Equal((200, "<svg/>"), (reply.Status, reply.Body));
    }

    [Theory]
    [InlineData("/app/assets/gone-9f.js")]
    [InlineData("/app/secret.txt")]
    [InlineData("/app/..%2fsecret.txt")]
    [InlineData("/app/index.html.bak")]
    public async Task A_part_that_is_not_there_is_missing_and_nothing_beside_the_app_is_shown(string path)
    {
        var reply = await _host.GetAsync(path, _stranger);
        Assert.Equal(404, reply.Status);
        Assert.DoesNotContain("not of the app", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bare_address_leads_to_the_reference()
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var follower = new HttpClient(handler) { BaseAddress = _host.Address };
        Assert.Equal(ReferencePage.Address, (await follower.GetAsync("/")).Headers.Location?.ToString());
    }

    private async Task WriteAsync(string name, string text)
    {
        var place = Path.Combine(_built.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        await File.WriteAllBytesAsync(place, Encoding.UTF8.GetBytes(text));
    }
}
