using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Sign-in, sessions and what protects them (ACC-01, conventions 54 to 56).</summary>
[Collection(PostgresCollection.Name)]
public sealed class SessionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_person_signs_in_sees_the_session_and_signs_out()
    {
        using var browser = await Person.StaffAsync(_host, "ada@example.com", "customer_support");
        var session = await browser.GetAsync("/api/v1/session");
        Assert.Equal(200, session.Status);
        Assert.Equal("staff", session.Json.GetProperty("realm").GetString());
        var permissions = session.Json.GetProperty("permissions").EnumerateArray().Select(p => p.GetString());
        Assert.Equal(ReadyRoles.All["customer_support"].Permissions.Order(StringComparer.Ordinal), permissions);
        Assert.Equal(200, (await browser.GetAsync("/api/v1/admin/coupons")).Status);
        Assert.Equal(403, (await browser.PostAsync("/api/v1/merchants", new { name = "M" })).Status);

        var ticket = browser.Ticket;
        Assert.Equal(204, (await browser.SendAsync(HttpMethod.Delete, "/api/v1/session")).Status);
        browser.Ticket = ticket;
        Assert.Equal((401, "not_signed_in"), Of(await browser.GetAsync("/api/v1/session")));
    }

    [Fact]
    public async Task An_api_key_is_exchanged_for_a_session_that_lives_as_long_as_the_key()
    {
        var key = await _host.PostAsync(
            "/api/v1/api-keys",
            new { name = "First start", permissions = (string[])[Permissions.DirectoryRead] }
        );
        using var browser = new Browser(_host.Address);
        var reply = await browser.PostAsync(
            "/api/v1/session",
            new { api_key = key.Json.GetProperty("key").GetString() }
        );
        Assert.True(reply.Status == 200, reply.Body);
        Assert.Equal("First start", reply.Json.GetProperty("name").GetString());
        Assert.Equal(200, (await browser.GetAsync("/api/v1/merchants")).Status);
        var id = key.Json.GetProperty("api_key").GetProperty("id").GetString();
        Assert.Equal("key:" + id, reply.Json.GetProperty("actor_id").GetString());
        await _host.PostAsync($"/api/v1/api-keys/{id}/revoke");
        Assert.Equal(401, (await browser.GetAsync("/api/v1/merchants")).Status);
    }

    [Fact]
    public async Task A_change_with_the_cookie_needs_the_token_of_the_page()
    {
        using var browser = await Person.StaffAsync(_host, "csrf@example.com", ReadyRoles.Administrator);
        object body = new { name = "Made by a page" };
        var token = browser.CsrfToken!;
        foreach (var forged in (string[])["", "x", token[..^1], token + "A"])
        {
            var reply = await browser.SendAsync(
                HttpMethod.Post,
                "/api/v1/merchants",
                body,
                new Dictionary<string, string> { ["X-CSRF-Token"] = forged }
            );
            Assert.Equal((403, "csrf_token_missing"), Of(reply));
        }

        foreach (var site in (string[])["cross-site", "same-site", "nonsense"])
        {
            var headers = new Dictionary<string, string> { ["Sec-Fetch-Site"] = site };
            Assert.Equal(403, (await browser.SendAsync(HttpMethod.Post, "/api/v1/merchants", body, headers)).Status);
        }

        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from access.merchant"));
        Assert.Equal(201, (await browser.PostAsync("/api/v1/merchants", body)).Status);
    }

    [Fact]
    public async Task A_ticket_known_before_the_sign_in_is_worth_nothing_after_it()
    {
        using var victim = new Browser(_host.Address);
        victim.Ticket = new string('A', 43);
        await Person.MakeAsync(_host.Database, "staff", "fix@example.com", ["finance"]);
        await victim.SignInAsync("staff", "fix@example.com", Person.Password);
        Assert.NotEqual(new string('A', 43), victim.Ticket);
        var first = victim.Ticket;
        await victim.SignInAsync("staff", "fix@example.com", Person.Password);
        using var attacker = new Browser(_host.Address);
        foreach (var old in (string?[])[new string('A', 43), first])
        {
            attacker.Ticket = old;
            Assert.Equal(401, (await attacker.GetAsync("/api/v1/session")).Status);
        }

        Assert.Equal(200, (await victim.GetAsync("/api/v1/session")).Status);
    }

    [Fact]
    public async Task Unknown_wrong_switched_off_and_other_realm_are_one_answer()
    {
        await Person.MakeAsync(_host.Database, "staff", "known@example.com", ["finance"]);
        var off = await Person.MakeAsync(_host.Database, "staff", "off@example.com", ["finance"]);
        await _host.Database.ExecuteAsync("update people.person set is_active = false where id = $1", off);
        using var browser = new Browser(_host.Address);
        var answers = new List<string>();
        foreach (
            var (realm, email, password) in ((string, string, string)[])
                [
                    ("staff", "nobody@example.com", Person.Password),
                    ("staff", "known@example.com", "wrong"),
                    ("staff", "off@example.com", Person.Password),
                    ("merchant", "known@example.com", Person.Password),
                    ("staff", "' or 1=1 --", "x"),
                    ("staff", "KNOWN@example.com\t", "wrong"),
                ]
        )
        {
            var reply = await browser.SignInAsync(realm, email, password);
            var id = reply.Json.GetProperty("request_id").GetString()!;
            answers.Add(reply.Status + reply.Body.Replace(id, "", StringComparison.Ordinal));
        }

        Assert.Single(answers.Distinct());
        Assert.StartsWith("401", answers[0], StringComparison.Ordinal);
        Assert.Null(browser.Ticket);
    }

    /// <summary>By the work and not by the clock: a busy machine disturbs it in no way.</summary>
    [Fact]
    public async Task Unknown_and_known_addresses_are_the_same_work()
    {
        foreach (var name in (string[])["known", "off", "locked"])
        {
            await Person.MakeAsync(_host.Database, "staff", name + "@example.com", ["finance"]);
        }

        // Hashes of the present cost, as everyone has after a first sign-in.
        await _host.Database.ExecuteAsync(
            "update people.person set password_hash = $1, is_active = email <> 'off@example.com'",
            await _host.Services.GetRequiredService<Passwords>().HashAsync(Person.Password, default)
        );
        using var browser = new Browser(_host.Address);
        for (var i = 0; i < 5; i++)
        {
            await browser.SignInAsync("staff", "locked@example.com", "wrong");
        }

        using var trips = new RoundTrips();
        var works = new List<(string Who, string Work)>();
        foreach (
            var (email, password) in ((string, string)[])
                [
                    ("known@example.com", "wrong"),
                    ("nobody@example.com", "wrong"),
                    ("off@example.com", Person.Password),
                    ("locked@example.com", Person.Password),
                ]
        )
        {
            using var hashes = new Counted("tessera.sign_in.password_verifications");
            var sent = await trips.OfAsync(() => browser.SignInAsync("staff", email, password));
            Assert.NotEmpty(sent);
            Assert.Equal(["210000"], hashes.Tags);
            works.Add((email, string.Join("\n", sent)));
        }

        Assert.All(works, w => Assert.True(works[0].Work == w.Work, $"{w.Who}:\n{w.Work}\nbut:\n{works[0].Work}"));
    }

    [Fact]
    public async Task After_five_failures_even_the_right_password_has_to_wait_known_or_not()
    {
        await Person.MakeAsync(_host.Database, "staff", "locked@example.com", ["finance"]);
        using var browser = new Browser(_host.Address);
        for (var i = 0; i < 5; i++)
        {
            await browser.SignInAsync("staff", "locked@example.com", "wrong");
            await browser.SignInAsync("staff", "unknown@example.com", "wrong");
        }

        Assert.Equal(
            "sign_in_failed",
            (await browser.SignInAsync("staff", "locked@example.com", Person.Password)).Code
        );
        Assert.Equal(
            2,
            await _host.Database.ScalarAsync<long>("select count(*) from people.attempt where allowed_at > now()")
        );
        await _host.Database.ExecuteAsync("update people.attempt set allowed_at = now()");
        Assert.Equal(200, (await browser.SignInAsync("staff", "locked@example.com", Person.Password)).Status);
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from people.attempt"));
    }

    [Fact]
    public async Task A_session_ends_when_it_is_idle_or_too_old()
    {
        using var browser = await Person.StaffAsync(_host, "idle@example.com", "finance");
        await _host.Database.ExecuteAsync("update people.session set used_at = now() - interval '29 minutes'");
        Assert.Equal(200, (await browser.GetAsync("/api/v1/session")).Status);
        var used = await _host.Database.ScalarAsync<bool>(
            "select max(used_at) > now() - interval '1 minute' from people.session"
        );
        Assert.True(used);
        await _host.Database.ExecuteAsync("update people.session set used_at = now() - interval '31 minutes'");
        Assert.Equal(401, (await browser.GetAsync("/api/v1/session")).Status);
        await _host.Database.ExecuteAsync("update people.session set used_at = now(), expires_at = now()");
        Assert.Equal(401, (await browser.GetAsync("/api/v1/session")).Status);
    }

    [Fact]
    public async Task An_old_hash_is_made_anew_and_neither_ticket_nor_password_is_stored()
    {
        using var browser = await Person.StaffAsync(_host, "hash@example.com", "finance");
        var hash = await _host.Database.ScalarAsync<string>(
            "select password_hash from people.person where email = 'hash@example.com'"
        );
        // Identity's third format: a marker, PRF 2 (HMAC-SHA-512), the rounds.
        var bytes = Convert.FromBase64String(hash);
        Assert.Equal(2u, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1)));
        Assert.Equal(210_000u, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(5)));
        var stored = await _host.Database.ScalarAsync<string>("select s::text from people.session s limit 1");
        Assert.DoesNotContain(browser.Ticket!, stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sign_in_tells_all_that_is_wrong_with_its_fields()
    {
        using var browser = new Browser(_host.Address);
        var reply = await browser.PostAsync(
            "/api/v1/session",
            new
            {
                realm = "root",
                password = 5,
                more = 1,
            }
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            [("email", "required"), ("more", "unknown_member"), ("password", "not_text"), ("realm", "unknown_value")],
            reply.Errors.Order()
        );
        var both = await browser.PostAsync("/api/v1/session", new { api_key = "tsk_x", password = "x" });
        Assert.Equal([("password", "not_both")], both.Errors);
        Assert.Equal(401, (await browser.PostAsync("/api/v1/session", new { api_key = "tsk_x" })).Status);
    }

    private static (int, string?) Of(Reply reply) => (reply.Status, reply.Code);
}
