using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>
/// Attacks on sign-in, sessions and keys: each is refused, leaves one security event in the log, and is never a 500
/// (conventions 54 to 58, 64 and 68).
/// </summary>
[Collection(PostgresCollection.Name)]
public sealed class AttackedTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Ticket = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>The server's own event of what is no well-formed HTTP.</summary>
    private const int MalformedHttp = 17;

    private readonly LogLines _log = new();
    private TestHost _host = null!;

    public async Task InitializeAsync() =>
        _host = await TestHost.StartAsync(
            postgres,
            builder =>
            {
                builder.Logging.AddProvider(_log);
                builder.Logging.SetMinimumLevel(LogLevel.Information);
            }
        );

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _log.Dispose();
    }

    [Fact]
    public async Task Forged_keys_and_tickets_are_refused_and_told_once_each()
    {
        (string Name, string Value)[] forged =
        [
            ("Authorization", "Bearer tsk_" + new string('A', 43)),
            ("Authorization", "Bearer " + _host.Key[..^1]),
            ("Authorization", "Bearer " + _host.Key + "A"),
            ("Authorization", "Bearer tsk_' or 1=1 --"),
            ("Authorization", "Bearer " + new string('A', 9000)),
            ("Authorization", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("admin:admin"))),
            ("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
            ("Cookie", "tessera_session=" + Ticket),
            ("Cookie", "tessera_session=" + new string('A', 5000)),
            ("Cookie", "tessera_session=../../etc/passwd"),
            ("Cookie", "__Host-tessera_session=" + Ticket),
            ("Cookie", "tessera_session=; tessera_session=" + Ticket),
        ];
        foreach (var (name, value) in forged)
        {
            _log.Clear();
            using var client = _host.ClientOf(null);
            var headers = new Dictionary<string, string> { [name] = value };
            var reply = await _host.SendAsync(HttpMethod.Get, "/api/v1/merchants", client: client, headers: headers);
            Assert.True((401, "not_signed_in") == (reply.Status, reply.Code), $"{name}: {value}: {reply.Status}");
            AssertToldOnce(3001, reply, value);
        }
    }

    [Fact]
    public async Task A_refused_sign_in_is_told_once_without_address_or_password()
    {
        await Person.MakeAsync(_host.Database, "staff", "told@example.com", ["finance"]);
        using var browser = new Browser(_host.Address);
        foreach (
            var (email, password) in ((string, string)[])
                [
                    ("told@example.com", "a wrong password"),
                    ("nobody@example.com", "a wrong password"),
                    ("' or '1'='1", "' or '1'='1"),
                    ("\u202Etold@example.com", "x"),
                    (new string('a', 254), "x"),
                ]
        )
        {
            _log.Clear();
            var refused = await browser.SignInAsync("staff", email, password);
            Assert.Equal("sign_in_failed", refused.Code);
            AssertToldOnce(3011, refused, password, "told@example.com");
        }

        _log.Clear();
        var signedIn = await browser.SignInAsync("staff", "told@example.com", Person.Password);
        Assert.Equal(200, signedIn.Status);
        AssertToldOnce(3010, signedIn, browser.Ticket!, browser.CsrfToken!);
    }

    [Fact]
    public async Task A_planted_ticket_is_refused_at_the_sign_in_and_told_once()
    {
        await Person.MakeAsync(_host.Database, "staff", "fixed@example.com", ["finance"]);
        using var victim = new Browser(_host.Address);
        victim.Ticket = Ticket;
        var signedIn = await victim.SignInAsync("staff", "fixed@example.com", Person.Password);
        Assert.Equal(200, signedIn.Status);
        Assert.Single(_log.All, static l => l.Event == 3016);
        Assert.DoesNotContain(_log.All, static l => l.Text.Contains(Ticket, StringComparison.Ordinal));
        Assert.NotEqual(Ticket, victim.Ticket);

        // One's own ticket of before is no attack; what was planted opens nothing, and is told when it is tried.
        _log.Clear();
        await victim.SignInAsync("staff", "fixed@example.com", Person.Password);
        Assert.DoesNotContain(_log.All, static l => l.Event == 3016);
        using var attacker = new Browser(_host.Address);
        attacker.Ticket = Ticket;
        AssertToldOnce(3001, await attacker.GetAsync("/api/v1/session"), Ticket);
    }

    [Fact]
    public async Task A_forged_change_is_told_once_and_changes_nothing()
    {
        using var browser = await Person.StaffAsync(_host, "forged@example.com", ReadyRoles.Administrator);
        _log.Clear();
        var reply = await browser.SendAsync(
            HttpMethod.Post,
            "/api/v1/merchants",
            new { name = "M" },
            new Dictionary<string, string> { ["X-CSRF-Token"] = "guessed" }
        );
        Assert.Equal((403, "csrf_token_missing"), (reply.Status, reply.Code));
        AssertToldOnce(3001, reply, browser.Ticket!);

        // A form of another site: no JSON, so it does not even get so far as to need the token.
        using var form = new HttpRequestMessage(HttpMethod.Post, new Uri(_host.Address, "/api/v1/session"))
        {
            Content = new StringContent("{\"api_key\":\"x\"}", Encoding.UTF8, "text/plain"),
        };
        using var client = _host.ClientOf(null);
        using var response = await client.SendAsync(form);
        Assert.Equal(415, (int)response.StatusCode);
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from access.merchant"));
    }

    [Fact]
    public async Task Reading_with_a_get_changes_nothing_and_no_get_is_a_write()
    {
        using var browser = await Person.StaffAsync(_host, "get@example.com", ReadyRoles.Administrator);
        foreach (var path in (string[])["/api/v1/session?_method=DELETE", "/api/v1/merchants?name=x"])
        {
            var reply = await browser.SendAsync(
                HttpMethod.Get,
                path,
                null,
                new Dictionary<string, string> { ["X-HTTP-Method-Override"] = "DELETE" }
            );
            Assert.True(reply.Status is 200 or 400, path);
        }

        Assert.Equal(200, (await browser.GetAsync("/api/v1/session")).Status);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:80@tessera")]
    [InlineData("127.0.0.1\"><script>")]
    [InlineData("")]
    public async Task A_false_host_appears_in_no_answer(string host)
    {
        foreach (var path in (string[])["/api/v1/merchants?limit=1", "/openapi/v1.json", "/api/v1/nothing", "/livez"])
        {
            var answer = await RawAsync(
                $"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-For: 203.0.113.9\r\n"
                    + $"X-Forwarded-Proto: https\r\nAuthorization: Bearer {_host.Key}\r\nConnection: close\r\n\r\n"
            );
            Assert.DoesNotContain("evil.example", answer, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<script>", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("HTTP/1.1 5", answer, StringComparison.Ordinal);
            // Nobody named that proxy, so this is still plain http.
            Assert.DoesNotContain("Strict-Transport-Security", answer, StringComparison.OrdinalIgnoreCase);
        }

        Assert.DoesNotContain(_log.All, l => l.Text.Contains("203.0.113.9", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("X-Request-Id: a%0d%0aSet-Cookie: x=1")]
    [InlineData("X-Request-Id: a\u00a0b")]
    [InlineData("X-Request-Id: <script>")]
    [InlineData("Idempotency-Key: \"a\\\r\n b\"")]
    [InlineData("X-Bad: a\rSet-Cookie: x=1")]
    [InlineData("X-Bad\0: a")]
    public async Task A_header_cannot_write_another_one_nor_a_line_of_the_log(string header)
    {
        _log.Clear();
        var answer = await RawAsync(
            $"GET /api/v1/merchants HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n"
        );
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), answer);
        Assert.DoesNotContain("Set-Cookie: x=1", answer, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<script>", answer, StringComparison.Ordinal);

        // Told once: by the gate, or by the server where it is no well-formed HTTP; its fault is a member of its own.
        bool IsTold((int Event, LogLevel Level, string Text) line) =>
            line.Event is MalformedHttp or (> 3000 and < 3100);
        SpinWait.SpinUntil(() => _log.All.Any(IsTold), Patience.Limit);
        Assert.Single(_log.All, l => IsTold(l));
        Assert.DoesNotContain(
            _log.All,
            l => l.Event != MalformedHttp && l.Text.Contains('\n', StringComparison.Ordinal)
        );
        Assert.DoesNotContain(_log.All, static l => l.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task A_false_host_is_refused_and_told_once_where_the_names_are_set()
    {
        await using var app = TesseraHost.Build(
            new Settings
            {
                ConnectionString = _host.Database.ConnectionString,
                Port = 0,
                WebDirectory = "no-web-app-here",
                AllowedHosts = ["coupons.example"],
                PublicUrl = "https://shop.example",
                Schedules = false,
            },
            builder =>
            {
                builder.Logging.SetMinimumLevel(LogLevel.Information);
                builder.Logging.AddProvider(_log);
            }
        );
        await app.StartAsync();
        using var client = new HttpClient();
        async Task<Reply> AskAsync(string path, string host)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(app.Urls.Single()), path));
            request.Headers.Host = host;
            request.Headers.Add("Authorization", "Bearer " + _host.Key);
            using var response = await client.SendAsync(request);
            return await Reply.OfAsync(response);
        }

        foreach (var host in (string[])["coupons.example", "COUPONS.example:8080", "shop.example"])
        {
            Assert.Equal(200, (await AskAsync("/api/v1/merchants", host)).Status);
        }

        Assert.Equal(200, (await AskAsync("/livez", "10.0.0.7")).Status);
        foreach (var host in (string[])["evil.example", "coupons.example.evil.example", "127.0.0.1", "localhost"])
        {
            _log.Clear();
            var refused = await AskAsync("/api/v1/merchants", host);
            Assert.Equal((400, "unknown_host"), (refused.Status, refused.Code));
            _log.AssertToldOnce(3015, refused);
            Assert.DoesNotContain(_log.All, l => l.Text.Contains("evil", StringComparison.Ordinal));
        }

        await app.StopAsync();
    }

    [Fact]
    public async Task A_key_cannot_be_made_to_do_more_than_its_maker()
    {
        using var small = _host.ClientOf(await _host.KeyAsync([Permissions.KeysManage, Permissions.CouponsRead]));
        var grown = await _host.PostAsync(
            "/api/v1/api-keys",
            new { name = "x", permissions = (string[])[Permissions.RedemptionsRedeem] },
            client: small
        );
        Assert.Equal((403, "permission_not_yours"), (grown.Status, grown.Code));
        _log.AssertToldOnce(3001, grown, "permission_not_yours");
        var all = (await _host.GetAsync("/api/v1/api-keys", small)).Json.GetProperty("data").EnumerateArray();
        var administrators = all.First(k => k.GetProperty("name").GetString() == "Administrator").GetProperty("id");
        var stolen = await _host.PostAsync(
            $"/api/v1/api-keys/{administrators.GetString()}/rotate",
            new { },
            client: small
        );
        Assert.Equal((403, "permission_not_yours"), (stolen.Status, stolen.Code));
        _log.AssertToldOnce(3001, stolen, "permission_not_yours");
        var person = await _host.PostAsync(
            "/api/v1/people",
            new
            {
                realm = "staff",
                email = "a@b.example",
                name = "x",
                roles = (string[])["administrator"],
            },
            client: small
        );
        Assert.Equal(403, person.Status);
        _log.AssertToldOnce(3001, person, "forbidden");
    }

    [Fact]
    public async Task A_foreign_page_cannot_begin_a_sign_in_and_is_told_once()
    {
        using var browser = new Browser(_host.Address);
        foreach (var path in (string[])["session", "sign-in/passkey", "sign-in/passkey/finish"])
        {
            _log.Clear();
            var reply = await browser.SendAsync(
                HttpMethod.Post,
                "/api/v1/" + path,
                path == "sign-in/passkey" ? (object)new { realm = "staff" }
                    : path == "session" ? new { api_key = _host.Key }
                    : new { credential = new { id = "x" } },
                new Dictionary<string, string> { ["Sec-Fetch-Site"] = "cross-site" }
            );
            Assert.True((403, "csrf_token_missing") == (reply.Status, reply.Code), path + reply.Body);
            _log.AssertToldOnce(3001, reply, "csrf_token_missing");
        }
    }

    [Fact]
    public async Task Guesses_at_invitations_passwords_and_codes_from_within_are_told_once_each()
    {
        using var thief = await Person.StaffAsync(_host, "left-open@example.com", ReadyRoles.Administrator);
        var token = new string('A', 43);
        (string Path, object Body, string Code)[] tries =
        [
            (
                "/api/v1/invitations/accept",
                new { token, password = "a long pass phrase of hers" },
                "invitation_not_valid"
            ),
            (
                "/api/v1/account/password",
                new { current = "a wrong password", password = "a long pass phrase of hers" },
                "invalid_request"
            ),
            ("/api/v1/account/totp/remove", new { code = "000000" }, "invalid_request"),
        ];
        foreach (var (path, body, code) in tries)
        {
            _log.Clear();
            var refused = await thief.PostAsync(path, body);
            Assert.Equal((path, code), (path, refused.Code));
            AssertToldOnce(3001, refused, token, "a wrong password");
        }
    }

    [Fact]
    public async Task A_key_a_person_made_is_that_person_to_whoever_compares_them()
    {
        using var browser = await Person.StaffAsync(_host, "two@example.com", ReadyRoles.Administrator);
        var made = await browser.PostAsync(
            "/api/v1/api-keys",
            new { name = "second self", permissions = (string[])[Permissions.KeysManage] }
        );
        using var self = _host.ClientOf(made.Json.GetProperty("key").GetString());
        var third = await _host.PostAsync(
            "/api/v1/api-keys",
            new { name = "third self", permissions = Array.Empty<string>() },
            client: self
        );
        Assert.Equal(201, third.Status);
        var person = await _host.Database.ScalarAsync<Guid>("select id from people.person");
        var subjects = await _host.Database.ColumnAsync<string>(
            "select subject from access.api_key where name like '%self' order by name"
        );
        Assert.Equal(["person:" + person, "person:" + person], subjects);
    }

    /// <summary>One event of the kind for the request, none of a defect, and nothing in it that is secret.</summary>
    private void AssertToldOnce(int kind, Reply reply, params string[] secrets)
    {
        _log.AssertToldOnce(kind, reply);
        Assert.All(
            _log.All,
            line =>
                Assert.All(secrets, s => Assert.True(s.Length < 4 || !line.Text.Contains(s, StringComparison.Ordinal)))
        );
    }

    private async Task<string> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_host.Address.Host, _host.Address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }
}
