using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Notifications;

/// <summary>Customers in a region with a notice of a week, units they hold, and a real mail server.</summary>
public abstract class ToldCustomers(PostgresFixture postgres) : IAsyncLifetime
{
    protected const string Path = "/api/v1/admin/notifications";

    protected TestDatabase Database { get; private set; } = null!;

    protected MailServer Smtp { get; private set; } = null!;

    protected TestHost Host { get; private set; } = null!;

    protected Catalogue Given { get; private set; } = null!;

    protected long Coupon { get; private set; }

    /// <summary>The first node has no mail server, so that what is queued waits until a test starts one that has.</summary>
    public async Task InitializeAsync()
    {
        Database = await postgres.DatabaseAsync();
        Smtp = MailServer.Start();
        Host = await TestHost.StartAsync(Database);
        Given = new Catalogue(Database);
        var rule = new { id = "AT", coupons = new { notice_days = 7 } };
        Assert.Equal(201, (await Host.PostAsync("/api/v1/regions", rule)).Status);
        Coupon = await Given.CouponAsync("TOLD", kind: "unique");
    }

    public async Task DisposeAsync()
    {
        await Smtp.DisposeAsync();
        await Host.DisposeAsync();
    }

    protected Task<TestHost> NodeAsync() =>
        TestHost.StartAsync(
            new TestDatabase(Database.ConnectionString),
            builder =>
                builder.Services.AddSingleton(
                    new Settings { ConnectionString = Database.ConnectionString, Smtp = Smtp.Options }
                )
        );

    /// <summary>Has the expiry room say whose ends are due to be told of, those behind its look included.</summary>
    protected async Task TellAsync()
    {
        await Database.ExecuteAsync("update expiration.notice_look set restarted_at = restarted_at - interval '1 day'");
        using var node = new Pipeline(Database);
        await new Notices(Database.Database, node.Clock, NullLogger<Notices>.Instance).RunOnceAsync(default);
    }

    protected async Task<Guid> PersonAsync(string? email, object? attributes = null)
    {
        var made = await Host.PostAsync("/api/v1/customers", new { attributes = attributes ?? new { region = "AT" } });
        var id = made.Json.GetProperty("id").GetGuid();
        var set = await Host.SendAsync(
            HttpMethod.Put,
            $"/api/v1/customers/{id}/personal-data",
            email is null ? new { first_name = "Ada" } : new { email },
            headers: new Dictionary<string, string> { ["If-Match"] = "\"0\"" }
        );
        Assert.True(set.Status == 200, set.Body);
        return id;
    }

    protected async Task<Guid> MerchantAsync(string name)
    {
        var made = await Host.PostAsync("/api/v1/merchants", new { name, region = "AT" });
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetGuid();
    }

    protected Task<long> UnitAsync(string code, Guid holder, DateTime? at = null) =>
        Given.UnitAsync(
            Coupon,
            "TOLD" + code,
            holder,
            until: at is { } end
                ? string.Create(CultureInfo.InvariantCulture, $"'{end:yyyy-MM-ddTHH:mm:ss}Z'::timestamptz")
                : "(clock_timestamp() + interval '6 days')"
        );

    protected Task<long> CountAsync(string which) =>
        Database.ScalarAsync<long>($"select count(*) from notifications.message where {which}");

    protected Task<Guid> IdAsync(string state, string? cause = null) =>
        Database.ScalarAsync<Guid>(
            "select id from notifications.message where state = $1 and ($2::text is null or cause = $2) limit 1",
            state,
            (object?)cause ?? DBNull.Value
        );

    protected Task QueuedAsync(int count) => UntilAsync("true", count);

    /// <summary>Everything that is in the log has been read.</summary>
    protected async Task FollowedAsync()
    {
        var last = await Database.ScalarAsync<long>("select count(*) from platform.event");
        await Patience.UntilAsync(
            async () => await Database.ScalarAsync<long>("select seq from notifications.feed") >= last,
            "all of the log to be followed"
        );
    }

    protected Task UntilAsync(string which, long count) =>
        Patience.UntilAsync(
            async () => await CountAsync(which) == count,
            async () =>
            {
                var rows = await Database.ColumnAsync<string>("select m::text from notifications.message m");
                return $"{count} messages with {which}:\n{string.Join("\n", rows)}\n";
            }
        );
}
