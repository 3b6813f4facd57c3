using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access.People.Oidc;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Sign-in at a real OpenID provider, and what must not come of it (convention 59).</summary>
[Collection(PostgresCollection.Name)]
public sealed class OidcTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string PublicUrl = "http://127.0.0.1:9";

    private readonly LogLines _log = new();
    private IdentityProvider _provider = null!;
    private OidcOptions _options = null!;
    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        var port = Ports.Free();
        var redirect = PublicUrl + OidcOptions.CallbackPath;
        _options = new OidcOptions($"http://127.0.0.1:{port}", "tessera", "a secret of the tests", "staff", redirect);
        _provider = await IdentityProvider.StartAsync("server.mjs", port.ToString(null, null), redirect);
        _host = await StartAsync(_options);
    }

    public async Task DisposeAsync()
    {
        _provider.Dispose();
        await _host.DisposeAsync();
        _log.Dispose();
    }

    [Fact]
    public async Task An_invited_person_signs_in_there_and_is_known_by_issuer_and_subject_from_then_on()
    {
        var token = await InviteAsync("alice@example.com");
        using var first = new Browser(_host.Address);
        var linked = await SignInAsync(first, "subject-of-alice", token);
        Assert.True((303, "/app/") == (linked.Status, linked.Header("Location")), linked.Body);
        var session = await first.GetAsync("/api/v1/session");
        Assert.Equal(["finance"], await RolesAsync());
        Assert.Equal("on", session.Json.GetProperty("second_factor").GetString());

        using var later = new Browser(_host.Address);
        Assert.Equal(303, (await SignInAsync(later, "subject-of-alice")).Status);
        Assert.Equal(200, (await later.GetAsync("/api/v1/admin/coupons")).Status);

        // Another subject is nobody, also with the used invitation, and an address helps nobody.
        foreach (var (subject, invitation) in ((string, string?)[])[("alice@example.com", null), ("mallory", token)])
        {
            using var other = new Browser(_host.Address);
            AssertSentBack("failed", await SignInAsync(other, subject, invitation));
            Assert.Equal(401, (await other.GetAsync("/api/v1/session")).Status);
        }

        await _host.Database.ExecuteAsync("update people.person set is_active = false");
        AssertSentBack("failed", await SignInAsync(later, "subject-of-alice"));
    }

    [Fact]
    public async Task What_comes_back_has_to_be_what_was_asked_for_and_by_the_one_who_asked()
    {
        await InviteAsync("bob@example.com");
        using var browser = new Browser(_host.Address);
        var good = await ReturnAsync(browser, "bob", null);
        using var stranger = new Browser(_host.Address);
        AssertSentBack("failed", await stranger.GetAsync(good));

        AssertSentBack("failed", await browser.GetAsync(Changed(good, "state", new string('A', 43))));
        // The question was answered, if wrongly; nobody asks twice.
        AssertSentBack("failed", await browser.GetAsync(good));
        foreach (
            var (name, value, outcome) in ((string, string, string)[])
                [
                    ("iss", "http://evil.example", "failed"),
                    ("code", "guessed", "failed"),
                    ("code", "", "failed"),
                    ("error", "access_denied", "cancelled"),
                    ("error", "server_error&sign_in=cancelled\r\nSet-Cookie: x=1", "failed"),
                ]
        )
        {
            using var other = new Browser(_host.Address);
            var back = Changed(await ReturnAsync(other, "bob", null), name, value);
            _log.Clear();
            AssertSentBack(outcome, await other.GetAsync(back));
            Assert.Equal(401, (await other.GetAsync("/api/v1/session")).Status);
        }

        using var empty = new Browser(_host.Address);
        AssertSentBack("failed", await empty.GetAsync(OidcOptions.CallbackPath));
    }

    [Fact]
    public async Task A_provider_that_goes_away_meanwhile_is_told_in_a_word()
    {
        using var browser = new Browser(_host.Address);
        var back = await ReturnAsync(browser, "carol", null);
        _provider.Dispose();
        _log.Clear();
        AssertSentBack("unavailable", await browser.GetAsync(back));
    }

    [Fact]
    public async Task A_provider_that_is_away_or_another_one_is_told_as_such()
    {
        foreach (var issuer in (string[])[$"http://127.0.0.1:{Ports.Free()}", _options.Issuer + "/"])
        {
            await using var host = await StartAsync(_options with { Issuer = issuer });
            using var browser = new Browser(host.Address);
            var reply = await browser.PostAsync("/api/v1/sign-in/oidc", new { });
            Assert.Equal((503, "identity_provider_unavailable"), (reply.Status, reply.Code));
        }

        await using var without = await TestHost.StartAsync(postgres);
        using var none = new Browser(without.Address);
        Assert.Equal("no_identity_provider", (await none.PostAsync("/api/v1/sign-in/oidc", new { })).Code);
    }

    /// <summary>To a page with one word about it, without a session, and one event in the log.</summary>
    private void AssertSentBack(string outcome, Reply reply)
    {
        Assert.Equal((303, "/app/?sign_in=" + outcome), (reply.Status, reply.Header("Location")));
        Assert.Equal("", reply.Body);
        Assert.DoesNotContain("tessera_session", reply.Header("Set-Cookie") ?? "", StringComparison.Ordinal);
        var request = reply.Header("X-Request-Id")!;
        Assert.Single(_log.All, l => l.Event == 3011 && l.Text.Contains(request, StringComparison.Ordinal));
    }

    private async Task<TestHost> StartAsync(OidcOptions options)
    {
        var database = await postgres.DatabaseAsync();
        var settings = new Settings { ConnectionString = database.ConnectionString, Oidc = options };
        return await TestHost.StartAsync(
            database,
            builder =>
            {
                builder.Services.AddSingleton(settings);
                builder.Logging.AddProvider(_log);
                builder.Logging.SetMinimumLevel(LogLevel.Information);
            }
        );
    }

    private async Task<string> InviteAsync(string email)
    {
        var reply = await _host.PostAsync(
            "/api/v1/people",
            new
            {
                realm = "staff",
                email,
                name = "Somebody",
                roles = (string[])["finance"],
            }
        );
        return reply.Json.GetProperty("invitation_token").GetString()!;
    }

    private Task<string[]> RolesAsync() =>
        _host.Database.ScalarAsync<string[]>("select roles from people.person limit 1");

    private async Task<Reply> SignInAsync(Browser browser, string subject, string? invitation = null) =>
        await browser.GetAsync(await ReturnAsync(browser, subject, invitation));

    /// <summary>Goes to the provider, signs in and consents there, as a person does; the address it sends back to.</summary>
    private async Task<string> ReturnAsync(Browser browser, string subject, string? invitation)
    {
        var begun = await browser.PostAsync(
            "/api/v1/sign-in/oidc",
            invitation is null ? new { } : (object)new { invitation }
        );
        Assert.True(begun.Status == 200, begun.Body);
        using var handler = new HttpClientHandler
        {
            AllowAutoRedirect = false,
            CookieContainer = new CookieContainer(),
        };
        using var client = new HttpClient(handler) { BaseAddress = new Uri(_options.Issuer) };
        var place = begun.Json.GetProperty("redirect_url").GetString()!;
        for (var step = 0; step < 12; step++)
        {
            if (place.StartsWith(_options.RedirectUri, StringComparison.Ordinal))
            {
                return place[PublicUrl.Length..];
            }

            using var page = await client.GetAsync(place);
            if (page.Headers.Location is { } next)
            {
                place = next.OriginalString;
                continue;
            }

            var html = await page.Content.ReadAsStringAsync();
            var isLogin = html.Contains("name=\"login\"", StringComparison.Ordinal);
            var form = new Dictionary<string, string> { ["prompt"] = isLogin ? "login" : "consent" };
            if (isLogin)
            {
                (form["login"], form["password"]) = (subject, "any");
            }

            using var sent = await client.PostAsync(place, new FormUrlEncodedContent(form));
            Assert.True(sent.Headers.Location is not null, html);
            place = sent.Headers.Location.OriginalString;
        }

        throw new InvalidOperationException("The provider does not come to an end: " + place);
    }

    private static string Changed(string address, string name, string value)
    {
        var (path, query) = (
            address[..address.IndexOf('?', StringComparison.Ordinal)],
            address[(address.IndexOf('?', StringComparison.Ordinal) + 1)..]
        );
        var parts = Microsoft
            .AspNetCore.WebUtilities.QueryHelpers.ParseQuery(query)
            .ToDictionary(p => p.Key, p => (string?)p.Value);
        parts[name] = value;
        return Microsoft.AspNetCore.WebUtilities.QueryHelpers.AddQueryString(path, parts);
    }
}
