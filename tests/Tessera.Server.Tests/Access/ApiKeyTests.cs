using System.Diagnostics;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

[Collection(PostgresCollection.Name)]
public sealed class ApiKeyTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_key_is_shown_once_and_works()
    {
        var body = """{"name":"Till","permissions":["directory.read"]}""";
        var made = await _host.PostAsync("/api/v1/api-keys", body, "k");
        Assert.Equal(201, made.Status);
        var key = made.Json.GetProperty("key").GetString()!;
        using var client = _host.ClientOf(key);
        Assert.Equal(200, (await _host.GetAsync("/api/v1/merchants", client)).Status);
        Assert.Equal(403, (await _host.GetAsync("/api/v1/api-keys", client)).Status);

        var again = await _host.PostAsync("/api/v1/api-keys", body, "k");
        Assert.Equal(201, again.Status);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, again.Json.GetProperty("key").ValueKind);
        var read = await _host.GetAsync(made.Header("Location")!);
        Assert.DoesNotContain(key[10..], read.Body, StringComparison.Ordinal);
        Assert.StartsWith(read.Json.GetProperty("prefix").GetString()!, key, StringComparison.Ordinal);
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.idempotency where position(convert_to($1, 'utf8') in body) > 0",
                key[10..]
            )
        );
    }

    [Fact]
    public async Task A_revoked_key_is_dead_on_every_node_within_five_seconds()
    {
        var made = await _host.PostAsync("/api/v1/api-keys", """{"name":"Gone","permissions":["directory.read"]}""");
        using var client = _host.ClientOf(made.Json.GetProperty("key").GetString());
        Assert.Equal(200, (await _host.GetAsync("/api/v1/merchants", client)).Status);

        // As another node would: this one is not told.
        await _host.Database.ExecuteAsync(
            "update access.api_key set revoked_at = clock_timestamp() where name = 'Gone'"
        );
        var since = Stopwatch.StartNew();
        // What was asked before the five seconds were over may be answered after them.
        for (var asked = since.Elapsed; (await _host.GetAsync("/api/v1/merchants", client)).Status == 200; )
        {
            Assert.True(asked < TimeSpan.FromSeconds(5), "still taken after five seconds");
            await Task.Delay(100);
            asked = since.Elapsed;
        }
    }

    [Fact]
    public async Task A_key_revoked_here_is_dead_at_once()
    {
        var made = await _host.PostAsync("/api/v1/api-keys", """{"name":"Gone","permissions":["directory.read"]}""");
        using var client = _host.ClientOf(made.Json.GetProperty("key").GetString());
        Assert.Equal(200, (await _host.GetAsync("/api/v1/merchants", client)).Status);
        var revoked = await _host.PostAsync(made.Header("Location") + "/revoke");
        Assert.Equal(200, revoked.Status);
        Assert.NotNull(revoked.Json.GetProperty("revoked_at").GetString());
        Assert.Equal(401, (await _host.GetAsync("/api/v1/merchants", client)).Status);
        Assert.Equal(200, (await _host.PostAsync(made.Header("Location") + "/revoke")).Status);
    }

    [Fact]
    public async Task A_key_dies_when_it_expires()
    {
        var key = await _host.KeyAsync([Permissions.DirectoryRead]);
        await _host.Database.ExecuteAsync(
            "update access.api_key set expires_at = clock_timestamp() where name = 'test'"
        );
        using var client = _host.ClientOf(key);
        Assert.Equal(401, (await _host.GetAsync("/api/v1/merchants", client)).Status);
    }

    [Fact]
    public async Task The_keys_of_a_merchant_that_is_switched_off_are_dead()
    {
        var made = await _host.PostAsync("/api/v1/merchants", """{"name":"M"}""");
        using var client = _host.ClientOf(
            await _host.KeyAsync([Permissions.DirectoryRead], made.Json.GetProperty("id").GetGuid())
        );
        await _host.SendAsync(
            HttpMethod.Patch,
            made.Header("Location")!,
            """{"is_active":false}""",
            headers: new Dictionary<string, string> { ["If-Match"] = made.Header("ETag")! }
        );
        Assert.Equal(401, (await _host.GetAsync("/api/v1/merchants", client)).Status);
    }

    [Fact]
    public async Task Under_load_a_key_is_asked_for_again_once_at_a_time_and_nobody_waits()
    {
        var time = new Clock();
        var keys = new ApiKeys(_host.Database.Database, time);
        var key = await _host.KeyAsync([Permissions.DirectoryRead]);
        Assert.NotNull(await keys.FindAsync(key, default));

        // The row is locked: whoever asks has to wait for it, as today is not written down yet.
        await using var work = await _host.Database.Database.BeginAsync(default);
        await work.ExecuteAsync("update access.api_key set last_used_on = null where name = 'test'", [], default);
        await work.CommitAsync(default);
        await using var holder = await _host.Database.Database.BeginAsync(default);
        await holder.ExecuteAsync("select from access.api_key where name = 'test' for update", [], default);

        time.Advance(ApiKeys.Freshness + TimeSpan.FromMilliseconds(1));
        var asking = keys.FindAsync(key, default).AsTask();
        Assert.False(asking.IsCompleted);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(keys.FindAsync(key, default).AsTask().IsCompletedSuccessfully);
        }

        // Nobody is believed longer than that, even then.
        time.Advance(TimeSpan.FromSeconds(2));
        var late = keys.FindAsync(key, default).AsTask();
        Assert.False(late.IsCompleted);
        await holder.DisposeAsync();
        Assert.NotNull(await asking);
        Assert.NotNull(await late);
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }

    [Fact]
    public async Task Nobody_grants_what_they_lack()
    {
        using var clerk = _host.ClientOf(await _host.KeyAsync([Permissions.KeysManage, Permissions.DirectoryRead]));
        var reply = await _host.PostAsync(
            "/api/v1/api-keys",
            """{"name":"More","permissions":["directory.write"]}""",
            client: clerk
        );
        Assert.Equal((403, "permission_not_yours"), (reply.Status, reply.Code));

        var merchant = (await _host.PostAsync("/api/v1/merchants", """{"name":"M"}"""))
            .Json.GetProperty("id")
            .GetGuid();
        var other = (await _host.PostAsync("/api/v1/merchants", """{"name":"N"}""")).Json.GetProperty("id").GetGuid();
        using var scoped = _host.ClientOf(await _host.KeyAsync([Permissions.KeysManage], merchant));
        reply = await _host.PostAsync(
            "/api/v1/api-keys",
            new
            {
                name = "Theirs",
                permissions = Array.Empty<string>(),
                merchant_id = other,
            },
            client: scoped
        );
        Assert.Equal((403, "permission_not_yours"), (reply.Status, reply.Code));
        reply = await _host.PostAsync(
            "/api/v1/api-keys",
            new { name = "Mine", permissions = Array.Empty<string>() },
            client: scoped
        );
        Assert.Equal(merchant, reply.Json.GetProperty("api_key").GetProperty("merchant_id").GetGuid());
        var seen = (await _host.GetAsync("/api/v1/api-keys", scoped)).Json.GetProperty("data").EnumerateArray();
        Assert.All(seen, k => Assert.Equal(merchant, k.GetProperty("merchant_id").GetGuid()));
    }

    [Fact]
    public async Task The_last_administrator_cannot_be_revoked()
    {
        var id = await _host.Database.ScalarAsync<Guid>("select id from access.api_key");
        var reply = await _host.PostAsync($"/api/v1/api-keys/{id}/revoke");
        Assert.Equal((409, "last_administrator"), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task References_and_ends_of_a_key_are_checked()
    {
        var reply = await _host.PostAsync(
            "/api/v1/api-keys",
            """
            {"name":"K","permissions":["directory.read"],"merchant_id":"01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
             "channels":["nowhere"],"expires_at":"2020-01-01T00:00:00Z"}
            """
        );
        Assert.Equal(
            [("channels", "unknown_channel"), ("expires_at", "in_the_past"), ("merchant_id", "unknown_merchant")],
            reply.Errors.Order()
        );
        reply = await _host.PostAsync("/api/v1/api-keys", """{"name":"K","permissions":["all"]}""");
        Assert.Equal([("permissions.0", "unknown_value")], reply.Errors);
    }
}
