using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>What becomes of units after their life (EXP-16).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ArchiveTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string LongAgo = "(clock_timestamp() - interval '10 days')";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private Pipeline _node = null!;
    private long _coupon;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
        _node = new Pipeline(_host.Database);
        _coupon = await _given.CouponAsync("ENDING", kind: "unique");
    }

    public async Task DisposeAsync()
    {
        _node.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task The_time_to_live_of_a_coupon_archives_what_ended_and_refunds_what_was_paid()
    {
        // The node itself finds no end until all is as it is to be.
        Assert.Equal(200, (await _host.PostAsync("/api/v1/expiry/drain")).Status);
        var from = "clock_timestamp() - interval '20 days'";
        var old = await _given.UnitAsync(_coupon, "ENDINGONE", until: LongAgo, from: from);
        var paid = await _given.UnitAsync(_coupon, "ENDINGTWO", until: LongAgo, from: from);
        var young = await _given.UnitAsync(
            _coupon,
            "ENDINGTEN",
            until: "(clock_timestamp() - interval '1 day')",
            from: from
        );
        var live = await _given.UnitAsync(_coupon, "ENDINGNOT");
        await _host.Database.ExecuteAsync(
            "update coupons.instance set state = 'paid', version = 2 where id = $1",
            paid
        );
        await _host.Database.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            values (gen_random_uuid(), 'instance', $1::text, 'coupon.state_changed', 2, 'job:test',
                jsonb_build_object('from', 'issued', 'to', 'paid', 'cause', 'test', 'coupon_id', $2), clock_timestamp())
            """,
            paid,
            _coupon
        );
        var path = $"/api/v1/expiry/coupons/{_coupon}/time-to-live";
        Assert.Equal(404, (await _host.GetAsync(path)).Status);
        var wrong = await _host.SendAsync(HttpMethod.Put, path, new { days = -1 });
        Assert.Equal(400, wrong.Status);
        var set = await _host.SendAsync(HttpMethod.Put, path, new { days = 7, refunds_paid = true });
        Assert.True(set.Status == 200, set.Body);

        await new Archiver(_host.Database.Database, _node.Clock, NullLogger<Archiver>.Instance).RunOnceAsync(default);

        Assert.Equal(
            [$"{old} archived", $"{paid} archived", $"{young} issued", $"{live} issued"],
            await _host.Database.ColumnAsync<string>(
                "select id || ' ' || state from coupons.instance where coupon_id = $1 order by id",
                _coupon
            )
        );
        Assert.Equal(
            ["issued", "paid", "expired", "refunded", "archived"],
            await _host.Database.ColumnAsync<string>(
                "select to_state from verify.transitions where instance_id = $1 order by sequence",
                paid
            )
        );
        await _host.PostAsync("/api/v1/expiry/resume");
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        await _node.Sealer.SealAsync(default);
        await _node.AssertVerifiedAsync();
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, path)).Status);
    }

    [Fact]
    public async Task Staff_archives_what_is_over_and_nothing_else()
    {
        var over = await _given.UnitAsync(
            _coupon,
            "ENDINGONE",
            until: LongAgo,
            from: "clock_timestamp() - interval '20 days'"
        );
        var live = await _given.UnitAsync(_coupon, "ENDINGNOT");
        var answer = await _host.PostAsync(
            "/api/v1/expiry/changes",
            new
            {
                action = "archive",
                reason = "The season is over",
                coupon_id = _coupon,
                instance_ids = (long[])[over, live],
            }
        );
        Assert.True(answer.Status == 200, answer.Body);
        Assert.Equal(
            ["changed", "illegal_transition"],
            answer.Json.GetProperty("data").EnumerateArray().Select(static i => i.GetProperty("outcome").GetString())
        );
    }
}
