using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Passkeys of people of every realm, and answers of authenticators that are not what was asked for (ACC-01).</summary>
[Collection(PostgresCollection.Name)]
public sealed class PasskeyTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly LogLines _log = new();
    private TestHost _host = null!;
    private Uri _address = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(
            await postgres.DatabaseAsync(),
            builder =>
            {
                builder.Logging.AddProvider(_log);
                builder.Logging.SetMinimumLevel(LogLevel.Information);
            },
            staffSecondFactor: true
        );
        // A passkey is bound to a name, never to a number.
        _address = new UriBuilder(_host.Address) { Host = "localhost" }.Uri;
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _log.Dispose();
    }

    [Theory]
    [InlineData("staff", "finance", false)]
    [InlineData("merchant", "merchant_manager", true)]
    [InlineData("customer", "customer", false)]
    public async Task A_passkey_signs_in_by_itself_in_its_own_realm(string realm, string role, bool rsa)
    {
        using var browser = await SignedInAsync(realm, role);
        using var device = new SoftAuthenticator(rsa) { Origin = Origin };
        var added = await AddAsync(browser, device, "A phone");
        Assert.True(added.Status == 201, added.Body);

        using var later = new Browser(_address);
        var signedIn = await SignInAsync(later, device, realm);
        Assert.True(signedIn.Status == 200, signedIn.Body);
        Assert.Equal((realm, "on"), (Text(signedIn, "realm"), Text(signedIn, "second_factor")));
        Assert.NotEmpty(signedIn.Json.GetProperty("permissions").EnumerateArray());
        var own = (await later.GetAsync("/api/v1/account/passkeys")).Json.GetProperty("data")[0];
        Assert.Equal("A phone", own.GetProperty("name").GetString());
        Assert.NotEqual(JsonValueKind.Null, own.GetProperty("used_at").ValueKind);

        foreach (var other in (string[])["staff", "merchant", "customer"])
        {
            using var astray = new Browser(_address);
            var expected = other == realm ? 200 : 401;
            Assert.Equal(expected, (await SignInAsync(astray, device, other)).Status);
        }
    }

    [Fact]
    public async Task The_password_of_staff_with_a_passkey_signs_nobody_in()
    {
        using var browser = await SignedInAsync("staff", "finance");
        Assert.Equal(403, (await browser.GetAsync("/api/v1/admin/coupons")).Status);
        using var thief = new Browser(_address);
        await thief.SignInAsync("staff", "staff@example.com", Person.Password);
        using var device = new SoftAuthenticator { Origin = Origin };
        await AddAsync(browser, device, "Key");
        // It is the second factor that was missing, and nobody else's session has it.
        Assert.Equal(200, (await browser.GetAsync("/api/v1/admin/coupons")).Status);
        Assert.Equal(401, (await thief.GetAsync("/api/v1/session")).Status);
        var refused = await thief.SignInAsync("staff", "staff@example.com", Person.Password);
        Assert.Equal("passkey_required", refused.Code);

        var id = (await browser.GetAsync("/api/v1/account/passkeys")).Json.GetProperty("data")[0].GetProperty("id");
        Assert.Equal(200, (await SendAsync(browser, HttpMethod.Patch, id, new { name = "Spare" })).Status);
        Assert.Equal([("name", "required")], (await SendAsync(browser, HttpMethod.Patch, id, new { })).Errors);
        Assert.Equal(204, (await SendAsync(browser, HttpMethod.Delete, id)).Status);
        Assert.Equal(204, (await SendAsync(browser, HttpMethod.Delete, id)).Status);
        Assert.Equal(401, (await SignInAsync(thief, device, "staff")).Status);
        Assert.Equal(200, (await thief.SignInAsync("staff", "staff@example.com", Person.Password)).Status);
        Assert.Equal(
            ["person.passkey_added", "person.passkey_renamed", "person.passkey_removed"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where type like 'person.passkey%' order by sequence"
            )
        );
    }

    [Fact]
    public async Task An_answer_that_is_not_what_was_asked_for_signs_nobody_in_and_is_told_once()
    {
        using var browser = await SignedInAsync("staff", "finance");
        using var device = new SoftAuthenticator { Origin = Origin };
        await AddAsync(browser, device, "Phone");
        var counter = device.Counter;
        (string Name, Action<SoftAuthenticator> Bend, Func<JsonNode, JsonNode>? Change)[] attacks =
        [
            ("origin", d => d.Origin = "https://evil.example", null),
            ("another port", d => d.Origin = "http://localhost:1", null),
            ("a frame of another site", d => d.CrossOrigin = true, null),
            ("relying party", d => d.Domain = "evil.example", null),
            ("user not present", d => d.Flags = 0x04, null),
            ("user not verified", d => d.Flags = 0x01, null),
            ("backed up all of a sudden", d => d.Flags = 0x1d, null),
            ("counter backwards", d => d.Counter = 1, null),
            ("no owner", d => d.UserHandle = "", null),
            ("another owner", d => d.UserHandle = Base64Url.EncodeToString(Guid.CreateVersion7().ToByteArray()), null),
            ("another credential", d => d.CredentialId = [1, 2, 3], null),
            ("signature", _ => { }, c => Changed(c, "signature", static b => [.. b[..^1], (byte)(b[^1] ^ 1)])),
            ("no signature", _ => { }, c => Changed(c, "signature", static _ => [])),
            ("data cut off", _ => { }, c => Changed(c, "authenticatorData", static b => b[..36])),
            ("client data cut off", _ => { }, c => Changed(c, "clientDataJSON", static b => b[..^4])),
            ("not Base64", _ => { }, c => Replaced(c, "authenticatorData", "§§")),
            ("a number", _ => { }, c => Replaced(c, "signature", 7)),
            ("no response", _ => { }, _ => new JsonObject { ["id"] = "AAAA", ["type"] = "public-key" }),
            ("nothing", _ => { }, _ => new JsonObject()),
        ];
        foreach (var (name, bend, change) in attacks)
        {
            var handle = device.UserHandle;
            var credential = device.CredentialId;
            bend(device);
            using var other = new Browser(_address);
            _log.Clear();
            var reply = await SignInAsync(other, device, "staff", change);
            Assert.True((401, "sign_in_failed") == (reply.Status, reply.Code), name + ": " + reply.Body);
            AssertToldOnce(reply, name);
            (device.Origin, device.Domain, device.CrossOrigin, device.Flags) = (Origin, "localhost", false, 0x05);
            (device.UserHandle, device.CredentialId) = (handle, credential);
            device.Counter = Math.Max(device.Counter, ++counter + 100);
        }

        using var last = new Browser(_address);
        Assert.Equal(200, (await SignInAsync(last, device, "staff")).Status);
    }

    [Fact]
    public async Task A_question_is_answered_once_and_only_by_the_browser_that_was_asked()
    {
        using var browser = await SignedInAsync("staff", "finance");
        using var device = new SoftAuthenticator { Origin = Origin };
        await AddAsync(browser, device, "Phone");
        using var one = new Browser(_address);
        var first = device.Sign(await AskAsync(one, "staff"));
        using var stranger = new Browser(_address);
        Assert.Equal(401, (await FinishAsync(stranger, first)).Status);
        Assert.Equal(200, (await FinishAsync(one, first)).Status);
        Assert.Equal(401, (await FinishAsync(one, first)).Status);
        // An answer to the question before is none to this one.
        await AskAsync(one, "staff");
        Assert.Equal(401, (await FinishAsync(one, first)).Status);

        var late = device.Sign(await AskAsync(one, "staff"));
        await _host.Database.ExecuteAsync("update people.challenge set expires_at = clock_timestamp()");
        Assert.Equal(401, (await FinishAsync(one, late)).Status);

        var twice = device.Sign(await AskAsync(one, "staff"));
        var both = await Task.WhenAll(FinishAsync(one, twice), FinishAsync(one, twice));
        Assert.Equal([200, 401], both.Select(r => r.Status).Order());

        await _host.Database.ExecuteAsync("update people.person set is_active = false");
        Assert.Equal(401, (await SignInAsync(one, device, "staff")).Status);
    }

    [Fact]
    public async Task A_passkey_is_added_only_as_asked_and_by_the_one_who_was_asked()
    {
        using var browser = await SignedInAsync("staff", "finance");
        (string Name, Action<SoftAuthenticator> Bend, Func<byte[], byte[]>? Cbor, int? Algorithm)[] attacks =
        [
            ("origin", d => d.Origin = "https://evil.example", null, null),
            ("relying party", d => d.Domain = "evil.example", null, null),
            ("user not verified", d => d.Flags = 0x01, null, null),
            ("algorithm", _ => { }, null, -8),
            ("cut off", _ => { }, static b => b[..^5], null),
            ("cut off early", _ => { }, static b => b[..3], null),
            ("empty", _ => { }, static _ => [], null),
            ("no CBOR", _ => { }, static b => [0xff, .. b], null),
            ("endless", _ => { }, static _ => [.. Enumerable.Repeat((byte)0x9f, 4000)], null),
            ("too long an id", d => d.CredentialId = new byte[1024], null, null),
        ];
        foreach (var (name, bend, cbor, algorithm) in attacks)
        {
            using var bent = new SoftAuthenticator { Origin = Origin };
            bend(bent);
            var options = await AskForNewAsync(browser);
            _log.Clear();
            var reply = await browser.PostAsync(
                "/api/v1/account/passkeys",
                new { name, credential = bent.Create(options, cbor, algorithm) }
            );
            Assert.True(reply.Errors is [("credential", "passkey_not_valid")], name + ": " + reply.Body);
            AssertToldOnce(reply, name);
        }

        // Asked of one, answered by another; and the other way about.
        using var device = new SoftAuthenticator { Origin = Origin };
        var credential = device.Create(await AskForNewAsync(browser));
        using var other = await SignedInAsync("customer", "customer");
        var stolen = await other.PostAsync("/api/v1/account/passkeys", new { name = "x", credential });
        Assert.Equal([("credential", "passkey_not_valid")], stolen.Errors);
        Assert.Equal(201, (await AddAsync(browser, device, "Mine")).Status);
        Assert.Equal([("credential", "passkey_not_valid")], (await AddAsync(other, device, "Mine too")).Errors);
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from people.passkey"));
        Assert.Equal(
            [("name", "required"), ("credential", "not_an_object"), ("extra", "unknown_member")],
            (await browser.PostAsync("/api/v1/account/passkeys", new { credential = "x", extra = 1 })).Errors
        );

        // Nobody touches what is another's.
        var id = (await browser.GetAsync("/api/v1/account/passkeys")).Json.GetProperty("data")[0].GetProperty("id");
        Assert.Equal(404, (await SendAsync(other, HttpMethod.Patch, id, new { name = "Taken" })).Status);
        Assert.Equal(204, (await SendAsync(other, HttpMethod.Delete, id)).Status);
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from people.passkey"));

        await _host.Database.ExecuteAsync("update people.session set started_at = started_at - interval '16 minutes'");
        Assert.Equal("recent_sign_in_needed", (await browser.PostAsync("/api/v1/account/passkeys/begin")).Code);
        Assert.Equal("recent_sign_in_needed", (await SendAsync(browser, HttpMethod.Delete, id)).Code);
        Assert.Equal("person_needed", (await _host.PostAsync("/api/v1/account/passkeys/begin")).Code);
    }

    [Fact]
    public async Task Guesses_at_the_password_lock_nobody_out_who_has_a_passkey()
    {
        using var browser = await SignedInAsync("customer", "customer");
        using var device = new SoftAuthenticator { Origin = Origin };
        await AddAsync(browser, device, "Phone");
        using var guesser = new Browser(_address);
        for (var i = 0; i < 6; i++)
        {
            await guesser.SignInAsync("customer", "customer@example.com", "a guess");
        }

        var locked = await guesser.SignInAsync("customer", "customer@example.com", Person.Password);
        Assert.Equal("sign_in_failed", locked.Code);
        using var owner = new Browser(_address);
        var signedIn = await SignInAsync(owner, device, "customer");
        Assert.Equal(200, signedIn.Status);
        Assert.StartsWith("\"sign-in\";r=", signedIn.Header("RateLimit"), StringComparison.Ordinal);
        // The guesser is no further for it.
        Assert.Equal(401, (await guesser.SignInAsync("customer", "customer@example.com", Person.Password)).Status);
    }

    [Fact]
    public async Task Who_lost_every_second_factor_is_let_in_again_by_another_who_may_do_as_much()
    {
        using var browser = await SignedInAsync("staff", "finance");
        using var device = new SoftAuthenticator { Origin = Origin };
        await AddAsync(browser, device, "Lost");
        var id = await _host.Database.ScalarAsync<Guid>("select id from people.person");
        var reset = $"/api/v1/people/{id}/reset-second-factor";
        using var lesser = _host.ClientOf(await _host.KeyAsync(["people.manage", "people.read"]));
        Assert.Equal("role_not_yours", (await _host.PostAsync(reset, client: lesser)).Code);
        var shown = await _host.GetAsync("/api/v1/people/" + id);
        Assert.True(shown.Json.GetProperty("has_second_factor").GetBoolean());
        Assert.Equal(204, (await _host.PostAsync(reset)).Status);
        Assert.Equal(401, (await browser.GetAsync("/api/v1/session")).Status);
        Assert.Equal(401, (await SignInAsync(browser, device, "staff")).Status);
        Assert.Equal(200, (await browser.SignInAsync("staff", "staff@example.com", Person.Password)).Status);
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'person.second_factor_reset'"
            )
        );

        // Nobody does it to oneself: a session that was left open is not enough to be rid of it.
        await _host.Database.ExecuteAsync("update people.person set roles = '{administrator}'");
        await browser.SignInAsync("staff", "staff@example.com", Person.Password);
        await AddAsync(browser, device, "New");
        Assert.Equal("own_second_factor", (await browser.PostAsync(reset)).Code);
    }

    [Fact]
    public async Task Without_a_name_to_bind_them_to_there_are_no_passkeys()
    {
        using var numbered = new Browser(_host.Address);
        using var named = new Browser(_address);
        Assert.False((await numbered.GetAsync("/api/v1/sign-in")).Json.GetProperty("passkey").GetBoolean());
        Assert.True((await named.GetAsync("/api/v1/sign-in")).Json.GetProperty("passkey").GetBoolean());
        var reply = await numbered.PostAsync("/api/v1/sign-in/passkey", new { realm = "staff" });
        Assert.Equal((404, "passkeys_unavailable"), (reply.Status, reply.Code));
        Assert.Equal([("realm", "required")], (await numbered.PostAsync("/api/v1/sign-in/passkey", new { })).Errors);
        var foreign = await numbered.SendAsync(
            HttpMethod.Post,
            "/api/v1/sign-in/passkey",
            new { realm = "staff" },
            new Dictionary<string, string> { ["Sec-Fetch-Site"] = "cross-site" }
        );
        Assert.Equal("csrf_token_missing", foreign.Code);
    }

    private string Origin => _address.GetLeftPart(UriPartial.Authority);

    private void AssertToldOnce(Reply reply, string what)
    {
        var request = reply.Header("X-Request-Id")!;
        var told = _log.All.Where(l =>
            l.Event is > 3000 and < 3100 && l.Text.Contains(request, StringComparison.Ordinal)
        );
        Assert.True(told.ToArray() is [{ Event: 3012 }], what + ": " + string.Join('\n', _log.All));
        Assert.DoesNotContain(_log.All, l => l.Level >= LogLevel.Error);
    }

    private async Task<Browser> SignedInAsync(string realm, string role)
    {
        var (merchant, customer) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await _host.Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'M')", merchant);
        await _host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", customer);
        await Person.MakeAsync(
            _host.Database,
            realm,
            realm + "@example.com",
            [role],
            realm == "merchant" ? merchant : null,
            realm == "customer" ? customer : null
        );
        var browser = new Browser(_address);
        var reply = await browser.SignInAsync(realm, realm + "@example.com", Person.Password);
        Assert.True(reply.Status == 200, reply.Body);
        return browser;
    }

    private static async Task<JsonElement> AskForNewAsync(Browser browser)
    {
        var begun = await browser.PostAsync("/api/v1/account/passkeys/begin");
        Assert.True(begun.Status == 200, begun.Body);
        return begun.Json.GetProperty("options");
    }

    private static async Task<Reply> AddAsync(Browser browser, SoftAuthenticator device, string name)
    {
        var options = await AskForNewAsync(browser);
        return await browser.PostAsync("/api/v1/account/passkeys", new { name, credential = device.Create(options) });
    }

    private static async Task<JsonElement> AskAsync(Browser browser, string realm)
    {
        var begun = await browser.PostAsync("/api/v1/sign-in/passkey", new { realm });
        Assert.True(begun.Status == 200, begun.Body);
        Assert.Empty(begun.Json.GetProperty("options").GetProperty("allowCredentials").EnumerateArray());
        return begun.Json.GetProperty("options");
    }

    private static async Task<Reply> FinishAsync(Browser browser, JsonNode credential)
    {
        var reply = await browser.PostAsync("/api/v1/sign-in/passkey/finish", new { credential });
        browser.CsrfToken = reply.Status == 200 ? Text(reply, "csrf_token") : browser.CsrfToken;
        return reply;
    }

    private static async Task<Reply> SignInAsync(
        Browser browser,
        SoftAuthenticator device,
        string realm,
        Func<JsonNode, JsonNode>? change = null
    )
    {
        var credential = device.Sign(await AskAsync(browser, realm));
        return await FinishAsync(browser, change?.Invoke(credential) ?? credential);
    }

    private static Task<Reply> SendAsync(Browser browser, HttpMethod method, JsonElement id, object? body = null) =>
        browser.SendAsync(method, "/api/v1/account/passkeys/" + id.GetString(), body);

    private static JsonNode Changed(JsonNode credential, string name, Func<byte[], byte[]> change)
    {
        var bytes = Base64Url.DecodeFromChars(credential["response"]![name]!.GetValue<string>());
        return Replaced(credential, name, Base64Url.EncodeToString(change(bytes)));
    }

    private static JsonNode Replaced(JsonNode credential, string name, JsonNode value)
    {
        credential["response"]![name] = value;
        return credential;
    }

    private static string Text(Reply reply, string name) => reply.Json.GetProperty(name).GetString()!;
}
