using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>Limits that hold over all nodes, and how they are announced (conventions 20 and 58, ACC-05).</summary>
[Collection(PostgresCollection.Name)]
public sealed class RateLimitTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private TestHost _second = null!;

    public async Task InitializeAsync()
    {
        var minute = FreshMinute.Begin();
        _host = await TestHost.StartAsync(postgres, minute);
        _second = await TestHost.StartAsync(new TestDatabase(_host.Database.ConnectionString), minute);
    }

    public async Task DisposeAsync()
    {
        await _second.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task A_limit_is_announced_and_beyond_it_is_refused_on_every_node()
    {
        var (key, _) = await KeyAsync(20);
        using var here = _host.ClientOf(key);
        using var there = _second.ClientOf(key);
        var first = await _host.GetAsync("/api/v1/channels", here);
        Assert.Equal("\"default\";q=20;w=60", first.Header("RateLimit-Policy"));
        Assert.StartsWith("\"default\";r=19;t=", first.Header("RateLimit"), StringComparison.Ordinal);
        for (var i = 0; i < 19; i++)
        {
            Assert.Equal(200, (await _host.GetAsync("/api/v1/channels", here)).Status);
        }

        var beyond = await _host.GetAsync("/api/v1/channels", here);
        Assert.Equal((429, "rate_limited"), (beyond.Status, beyond.Code));
        Assert.Equal(
            "https://iana.org/assignments/http-problem-types#quota-exceeded",
            beyond.Json.GetProperty("type").GetString()
        );
        Assert.Equal("default", beyond.Json.GetProperty("violated-policies")[0].GetString());
        Assert.InRange(int.Parse(beyond.Header("Retry-After")!, null), 1, 60);

        // The other node has counted nothing yet; it learns it from the first, which may be on its way to tell it.
        Assert.Equal(200, (await _host.GetAsync("/api/v1/channels", there)).Status);
        await Patience.UntilAsync(
            async () =>
            {
                await ShareAsync(_host);
                return await _host.Database.ScalarAsync<bool>(
                    "select exists (select from access.rate where used >= 20)"
                );
            },
            "the count of a node"
        );
        await ShareAsync(_second);
        Assert.Equal(429, (await _host.GetAsync("/api/v1/channels", there)).Status);
    }

    [Fact]
    public async Task A_revoked_key_is_dead_on_another_node_within_five_seconds()
    {
        var (key, id) = await KeyAsync(1000);
        using var there = _second.ClientOf(key);
        Assert.Equal(200, (await _host.GetAsync("/api/v1/channels", there)).Status);
        await _host.PostAsync($"/api/v1/api-keys/{id}/revoke");
        var revoked = System.Diagnostics.Stopwatch.StartNew();
        // What was asked before the five seconds were over may be answered after them.
        for (var asked = revoked.Elapsed; (await _host.GetAsync("/api/v1/channels", there)).Status == 200; )
        {
            Assert.True(asked < TimeSpan.FromSeconds(5), "still taken after five seconds");
            await Task.Delay(200);
            asked = revoked.Elapsed;
        }
    }

    [Fact]
    public async Task A_rotated_key_goes_on_for_the_overlap_and_its_successor_may_do_the_same()
    {
        var (key, id) = await KeyAsync(700);
        var rotated = await _host.PostAsync($"/api/v1/api-keys/{id}/rotate", new { overlap_seconds = 3600 });
        Assert.True(rotated.Status == 201, rotated.Body);
        var view = rotated.Json.GetProperty("api_key");
        Assert.Equal(id, view.GetProperty("replaces").GetString());
        Assert.Equal(700, view.GetProperty("requests_per_minute").GetInt32());
        using var old = _host.ClientOf(key);
        using var next = _host.ClientOf(rotated.Json.GetProperty("key").GetString());
        Assert.Equal(200, (await _host.GetAsync("/api/v1/channels", old)).Status);
        Assert.Equal(200, (await _host.GetAsync("/api/v1/channels", next)).Status);
        Assert.Equal(403, (await _host.GetAsync("/api/v1/events", next)).Status);
        var end = (await _host.GetAsync("/api/v1/api-keys/" + id)).Json.GetProperty("expires_at").GetDateTimeOffset();
        Assert.InRange(end, DateTimeOffset.UnixEpoch, TimeProvider.System.GetUtcNow().AddHours(1.1));

        var at = await _host.PostAsync($"/api/v1/api-keys/{id}/rotate", new { overlap_seconds = 0 });
        Assert.Equal(201, at.Status);
        Assert.Equal(401, (await _host.GetAsync("/api/v1/channels", old)).Status);
        Assert.Equal("api_key_dead", (await _host.PostAsync($"/api/v1/api-keys/{id}/rotate", new { })).Code);
    }

    [Fact]
    public async Task Sign_ins_from_one_address_are_limited_whoever_is_named()
    {
        using var browser = new Browser(_host.Address);
        var limits = _host.Services.GetRequiredService<RateLimits>();
        for (var i = 0; i < RatePolicy.SignIns.Quota; i++)
        {
            limits.Count(RatePolicy.SignIns, RateLimits.Of(IPAddress.Loopback));
        }

        var reply = await browser.SignInAsync("staff", "a@example.com", "x");
        Assert.Equal((429, "rate_limited"), (reply.Status, reply.Code));
        Assert.Equal("sign-in", reply.Json.GetProperty("violated-policies")[0].GetString());
        (string Path, object Body)[] others =
        [
            ("/api/v1/invitations/accept", new { token = "x", password = "y" }),
            ("/api/v1/sign-in/passkey", new { realm = "staff" }),
            ("/api/v1/sign-in/passkey/finish", new { credential = new { } }),
            ("/api/v1/sign-in/oidc", new { }),
            ("/api/v1/sign-in/saml", new { }),
            ("/api/v1/sign-in/saml/callback", new { }),
        ];
        foreach (var (path, body) in others)
        {
            var refused = await browser.PostAsync(path, body);
            Assert.True((429, "rate_limited") == (refused.Status, refused.Code), path + ": " + refused.Body);
            Assert.StartsWith("\"sign-in\";q=", refused.Header("RateLimit-Policy"), StringComparison.Ordinal);
            Assert.InRange(int.Parse(refused.Header("Retry-After")!, null), 1, 60);
        }
    }

    [Fact]
    public void One_network_is_one_stranger()
    {
        Assert.Equal(
            RateLimits.Of(IPAddress.Parse("2001:db8:1:2::1")),
            RateLimits.Of(IPAddress.Parse("2001:db8:1:2:ffff::9"))
        );
        Assert.NotEqual(
            RateLimits.Of(IPAddress.Parse("2001:db8:1:2::1")),
            RateLimits.Of(IPAddress.Parse("2001:db8:1:3::1"))
        );
        Assert.Equal(RateLimits.Of(IPAddress.Parse("192.0.2.1")), RateLimits.Of(IPAddress.Parse("::ffff:192.0.2.1")));
        Assert.NotEqual(RateLimits.Of(IPAddress.Parse("192.0.2.1")), RateLimits.Of(IPAddress.Parse("192.0.2.2")));
    }

    [Fact]
    public async Task Nothing_that_is_counted_is_lost_when_old_counts_are_forgotten()
    {
        var once = RatePolicy.Keys(1);
        var limits = new RateLimits(TimeProvider.System);
        using var over = new CancellationTokenSource();
        var forgetting = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                Volatile.Read(ref limits).Take();
            }
        });
        // Each finds its one use counted, unless the minute ended between the two.
        var lost = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var (counting, who, window) = (new RateLimits(TimeProvider.System), Guid.CreateVersion7(), Window());
            Volatile.Write(ref limits, counting);
            counting.Count(once, who);
            lost += counting.IsExhausted(once, who) || Window() != window ? 0 : 1;
        }

        await over.CancelAsync();
        await forgetting;
        Assert.Equal(0, lost);

        static long Window() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / RatePolicy.WindowSeconds;
    }

    private async Task<(string Key, string Id)> KeyAsync(int perMinute)
    {
        var reply = await _host.PostAsync(
            "/api/v1/api-keys",
            new
            {
                name = "limited",
                permissions = (string[])[Permissions.DirectoryRead],
                requests_per_minute = perMinute,
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
        return (
            reply.Json.GetProperty("key").GetString()!,
            reply.Json.GetProperty("api_key").GetProperty("id").GetString()!
        );
    }

    /// <summary>A node shares what it has counted, as it does every second.</summary>
    private static Task ShareAsync(TestHost host) =>
        host
            .Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>()
            .OfType<RateSharing>()
            .Single()
            .RunOnceAsync(default);
}
