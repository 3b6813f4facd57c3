using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access.People.Saml;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Sign-in at a real SAML identity provider, and what must not come of it (convention 60).</summary>
[Collection(PostgresCollection.Name)]
public sealed class SamlTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string PublicUrl = "http://127.0.0.1:9";

    private readonly LogLines _log = new();
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("tessera-saml");
    private IdentityProvider _provider = null!;
    private SamlOptions _options = null!;
    private TestHost _host = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        using var key = RSA.Create(2048);
        var certificate = SamlProvider.CertificateOf(key);
        var (keyFile, file) = (Path.Combine(_files.FullName, "key.pem"), Path.Combine(_files.FullName, "cert.pem"));
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
        var port = Ports.Free();
        var place = $"http://127.0.0.1:{port}";
        var settings = Settings.Read(name =>
            name switch
            {
                "TESSERA_SAML_ISSUER" => place + "/metadata",
                "TESSERA_SAML_SIGN_IN_URL" => place + "/sign-in",
                "TESSERA_SAML_CERTIFICATE_FILE" => file,
                "TESSERA_PUBLIC_URL" => PublicUrl,
                _ => null,
            }
        );
        _options = settings.Saml!;
        _provider = await IdentityProvider.StartAsync(
            "saml.mjs",
            port.ToString(null, null),
            _options.CallbackUrl,
            keyFile,
            file
        );
        var database = await postgres.DatabaseAsync();
        settings = settings with { ConnectionString = database.ConnectionString };
        _host = await TestHost.StartAsync(
            database,
            builder =>
            {
                builder.Services.AddSingleton(settings);
                builder.Logging.AddProvider(_log);
                builder.Logging.SetMinimumLevel(LogLevel.Information);
            }
        );
        // Cookies by hand: those of an answer that is replayed are gone from a browser.
        _client = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = _host.Address,
        };
    }

    public async Task DisposeAsync()
    {
        _provider.Dispose();
        _client.Dispose();
        await _host.DisposeAsync();
        _log.Dispose();
        _files.Delete(recursive: true);
    }

    [Fact]
    public async Task An_invited_person_signs_in_there_and_is_known_by_issuer_and_subject_from_then_on()
    {
        var token = await InviteAsync("alice@example.com");
        var linked = await SignInAsync("subject-of-alice", token);
        Assert.True((303, "/app/") == (linked.Status, linked.Header("Location")), linked.Body);
        var later = await SignInAsync("subject-of-alice");
        Assert.Equal("/app/", later.Header("Location"));
        var session = await SendAsync(HttpMethod.Get, "/api/v1/session", CookieOf(later, "tessera_session"));
        Assert.Equal("on", session.Json.GetProperty("second_factor").GetString());
        Assert.Equal(
            ["finance"],
            await _host.Database.ScalarAsync<string[]>("select roles from people.person limit 1")
        );

        foreach (var (subject, invitation) in ((string, string?)[])[("alice@example.com", null), ("mallory", token)])
        {
            _log.Clear();
            var nobody = await SignInAsync(subject, invitation);
            AssertToldOnce(nobody, "saml: unknown");
        }

        await _host.Database.ExecuteAsync("update people.person set is_active = false");
        _log.Clear();
        AssertToldOnce(await SignInAsync("subject-of-alice"), "saml: unknown");
    }

    [Fact]
    public async Task An_answer_counts_once_for_the_browser_and_the_question_it_was_given_to()
    {
        await SignInAsync("bob", await InviteAsync("bob@example.com"));
        var (cookie, form) = await AskAsync("bob", null);
        var kept = await _host.Database.ScalarAsync<byte[]>("select hash from people.challenge");
        var content = await _host.Database.ScalarAsync<string>("select content from people.challenge");

        (string Why, string? Cookie, Dictionary<string, string> Form)[] refused =
        [
            ("not asked", null, form),
            ("not asked", "tessera_saml=" + new string('A', 43), form),
            ("state", cookie, With(form, "RelayState", new string('A', 43))),
            ("form", cookie, With(form, "RelayState", null)),
            ("form", cookie, With(form, "SAMLResponse", null)),
            ("form", cookie, With(form, "SAMLResponse", "")),
            ("form", cookie, With(form, "SAMLResponse", new string('A', 300_000))),
            ("question", cookie, With((await AskAsync("bob", null)).Form, "RelayState", form["RelayState"])),
        ];
        foreach (var (why, sent, fields) in refused)
        {
            await KeepAgainAsync();
            _log.Clear();
            AssertToldOnce(await FinishAsync(sent, fields), "saml: " + why);
        }

        // The question is gone with its first answer, right or wrong; and were it not, the assertion is used up.
        await KeepAgainAsync();
        Assert.Equal("/app/", (await FinishAsync(cookie, form)).Header("Location"));
        _log.Clear();
        AssertToldOnce(await FinishAsync(cookie, form), "saml: not asked");
        await KeepAgainAsync();
        _log.Clear();
        var replayed = await FinishAsync(cookie, form);
        AssertToldOnce(replayed, "saml: replayed");

        using var json = new StringContent("{}", null, "application/json");
        using var answer = await _client.PostAsync(SamlOptions.Path + "/callback", json);
        Assert.Equal(415, (int)answer.StatusCode);

        async Task KeepAgainAsync() =>
            await _host.Database.ExecuteAsync(
                """
                insert into people.challenge (id, kind, hash, content, expires_at)
                values (gen_random_uuid(), 'saml', $1, $2, clock_timestamp() + interval '1 minute')
                on conflict do nothing
                """,
                kept,
                content
            );
    }

    [Fact]
    public async Task Metadata_tells_the_provider_where_to_answer()
    {
        var metadata = await SendAsync(HttpMethod.Get, SamlOptions.Path + "/metadata", null);
        Assert.Equal((200, "application/samlmetadata+xml"), (metadata.Status, metadata.MediaType));
        Assert.Contains(
            $"Location=\"{PublicUrl}/api/v1/sign-in/saml/callback\"",
            metadata.Body,
            StringComparison.Ordinal
        );
        Assert.Contains("WantAssertionsSigned=\"true\"", metadata.Body, StringComparison.Ordinal);
        await using var without = await TestHost.StartAsync(postgres);
        Assert.Equal("no_identity_provider", (await without.PostAsync(SamlOptions.Path, new { })).Code);
    }

    [Theory]
    [InlineData("TESSERA_SAML_CERTIFICATE", "no certificate")]
    [InlineData("TESSERA_SAML_CERTIFICATE", null)]
    [InlineData("TESSERA_SAML_SIGN_IN_URL", "http://id.example/")]
    [InlineData("TESSERA_SAML_SIGN_IN_URL", null)]
    [InlineData("TESSERA_SAML_REALM", "everyone")]
    [InlineData("TESSERA_PUBLIC_URL", null)]
    public void A_wrong_setting_is_named(string name, string? value)
    {
        var pem = File.ReadAllText(Path.Combine(_files.FullName, "cert.pem"));
        var error = Assert.Throws<SettingException>(() =>
            Settings.Read(asked =>
                asked == name ? value
                : asked == "TESSERA_SAML_ISSUER" ? "https://id.example"
                : asked == "TESSERA_SAML_SIGN_IN_URL" ? "https://id.example/"
                : asked == "TESSERA_SAML_CERTIFICATE" ? pem
                : asked == "TESSERA_PUBLIC_URL" ? "https://tessera.example"
                : null
            )
        );
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Sent to a page that says it failed and not why, without a session; the why is one event in the log.</summary>
    private void AssertToldOnce(Reply reply, string why)
    {
        Assert.Equal((303, "/app/?sign_in=failed", ""), (reply.Status, reply.Header("Location"), reply.Body));
        Assert.DoesNotContain("tessera_session", reply.Headers.ToString(), StringComparison.Ordinal);
        _log.AssertToldOnce(3011, reply, why);
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

    private async Task<Reply> SignInAsync(string subject, string? invitation = null)
    {
        var (cookie, form) = await AskAsync(subject, invitation);
        return await FinishAsync(cookie, form);
    }

    /// <summary>Begins here and signs in there: the cookie of the browser, and what the provider has it post.</summary>
    private async Task<(string Cookie, Dictionary<string, string> Form)> AskAsync(string subject, string? invitation)
    {
        var begun = await _host.PostAsync(
            SamlOptions.Path,
            invitation is null ? new { } : (object)new { invitation },
            client: _client
        );
        Assert.True(begun.Status == 200, begun.Body);
        var there = begun.Json.GetProperty("redirect_url").GetString()! + "&login=" + Uri.EscapeDataString(subject);
        using var provider = new HttpClient();
        var answer = await provider.GetStringAsync(there);
        return (CookieOf(begun, "tessera_saml"), JsonSerializer.Deserialize<Dictionary<string, string>>(answer)!);
    }

    private async Task<Reply> FinishAsync(string? cookie, Dictionary<string, string> form)
    {
        using var content = new FormUrlEncodedContent(form);
        return await SendAsync(HttpMethod.Post, SamlOptions.Path + "/callback", cookie, content);
    }

    private async Task<Reply> SendAsync(HttpMethod method, string path, string? cookie, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        using var response = await _client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    private static string CookieOf(Reply reply, string name) =>
        reply
            .Headers.GetValues("Set-Cookie")
            .Single(c => c.StartsWith(name + "=", StringComparison.Ordinal))
            .Split(';')[0];

    private static Dictionary<string, string> With(Dictionary<string, string> form, string name, string? value)
    {
        var changed = new Dictionary<string, string>(form);
        _ = value is null ? changed.Remove(name) : (changed[name] = value) is not null;
        return changed;
    }
}
