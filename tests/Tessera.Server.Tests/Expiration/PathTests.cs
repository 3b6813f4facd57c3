using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

[Collection(PostgresCollection.Name)]
public sealed class PathTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Ended = "(clock_timestamp() - interval '1 minute')";

    private TestDatabase _database = null!;
    private Catalogue _given = null!;
    private Pipeline _node = null!;
    private long _coupon;

    public async Task InitializeAsync()
    {
        _database = await postgres.DatabaseAsync();
        _given = new Catalogue(_database);
        _node = new Pipeline(_database);
        _coupon = await _given.CouponAsync("ENDING", kind: "unique");
    }

    public async Task DisposeAsync()
    {
        _node.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task The_near_time_path_alone_suffices()
    {
        var unit = await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        var later = await _given.UnitAsync(_coupon, "ENDINGTWO", until: "(clock_timestamp() + interval '1 hour')");
        await _node.FollowAsync();
        await _node.SweepAsync();
        Assert.Equal([unit], await _node.ToldAsync());
        var hours = await _database.ScalarAsync<long>(
            "select count(*) from expiration.bucket where detected_by = 'stream'"
        );
        Assert.InRange(hours, 1, 2);
        Assert.True(later > unit);
        await _node.AssertVerifiedAsync();
    }

    [Fact]
    public async Task The_nightly_catch_up_alone_suffices()
    {
        var unit = await _given.UnitAsync(
            _coupon,
            "ENDINGONE",
            until: "(clock_timestamp() - interval '40 days')",
            from: "clock_timestamp() - interval '50 days'"
        );
        await _node.CatchUp.RunAsync(default);
        await _node.SweepAsync();
        Assert.Equal([unit], await _node.ToldAsync());
        await _node.AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_the_catch_up_alone_finds_raises_an_alert_that_a_night_without_finds_clears()
    {
        await _given.UnitAsync(
            _coupon,
            "ENDINGONE",
            until: "(clock_timestamp() - interval '40 days')",
            from: "clock_timestamp() - interval '50 days'"
        );
        await _node.CatchUp.RunAsync(default);
        await _node.SweepAsync();
        Assert.Equal(
            ["missed pipeline 1 1"],
            await _database.ColumnAsync<string>(
                "select concat_ws(' ', kind, subject, detail ->> 'hours', detail ->> 'units') from expiration.alert where cleared_at is null"
            )
        );
        await _node.CatchUp.RunAsync(default);
        Assert.Empty(await _database.ColumnAsync<string>("select kind from expiration.alert where cleared_at is null"));
        Assert.Equal(
            2,
            await _database.ScalarAsync<long>(
                "select count(*) from platform.event where type in ('expiry.alert_raised', 'expiry.alert_cleared')"
            )
        );
    }

    [Fact]
    public async Task The_first_night_of_a_deployment_blames_nobody_for_what_ended_before_it()
    {
        await _given.UnitAsync(
            _coupon,
            "ENDINGONE",
            until: "(clock_timestamp() - interval '40 days')",
            from: "clock_timestamp() - interval '50 days'"
        );
        await _node.CatchUp.RunAsync(default, isFirst: true);
        await _node.SweepAsync();
        Assert.Single(await _node.ToldAsync());
        Assert.Equal(0, await _database.ScalarAsync<long>("select count(*) from expiration.alert"));
    }

    [Fact]
    public async Task What_the_other_paths_saw_in_time_raises_none()
    {
        await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        await _node.CatchUp.RunAsync(default);
        Assert.Equal(0, await _database.ScalarAsync<long>("select count(*) from expiration.alert"));
    }

    [Fact]
    public async Task An_hour_that_all_paths_see_is_enqueued_once()
    {
        await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        await Task.WhenAll(_node.LookAhead.RunOnceAsync(default), _node.FollowAsync(), _node.CatchUp.RunAsync(default));
        await _node.SweepAsync();
        Assert.Equal(1, await _database.ScalarAsync<long>("select count(*) from expiration.job"));
        Assert.Single(await _node.ToldAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_unit_that_is_live_again_after_its_end_is_told_once(bool byStream)
    {
        await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        var used = await _given.UnitAsync(_coupon, "ENDINGTWO", until: Ended);
        await EventAsync(used, 2, "issued", "redeemed");
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        Assert.Single(await _node.ToldAsync());
        await EventAsync(used, 3, "redeemed", "issued");
        for (var pass = 0; pass < 2; pass++)
        {
            if (byStream)
            {
                await _node.FollowAsync();
            }
            else
            {
                await _node.CatchUp.RunAsync(default);
            }
        }

        Assert.Equal(2, (await _node.ToldAsync()).Distinct().Count());
        Assert.Equal(2, (await _node.ToldAsync()).Count);
    }

    [Fact]
    public async Task A_unit_that_was_issued_into_the_past_is_told()
    {
        // Both in one hour, should one begin meanwhile.
        var end = await _database.ScalarAsync<string>($"select quote_literal({Ended})");
        await _given.UnitAsync(_coupon, "ENDINGONE", until: end);
        await _node.FollowAsync();
        await _node.SweepAsync();
        await _given.UnitAsync(_coupon, "ENDINGTWO", until: end);
        await _node.SweepAsync();
        Assert.Single(await _node.ToldAsync());
        await _node.FollowAsync();
        Assert.Equal(2, (await _node.ToldAsync()).Count);
        await _node.AssertVerifiedAsync();
    }

    [Fact]
    public async Task Telling_of_late_units_holds_no_transaction_and_the_place_in_the_log_by_lease()
    {
        var unit = await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        await _database.ExecuteAsync(
            "update expiration.follower set leased_until = clock_timestamp() + interval '1 hour'"
        );
        await _node.FollowAsync();
        Assert.Equal(0, await _database.ScalarAsync<long>("select count(*) from expiration.bucket"));
        await _database.ExecuteAsync("update expiration.follower set leased_until = '-infinity'");

        // A checkout holds the unit: who tells of late ones waits for it, with the hours enqueued and nothing else held.
        Task pass;
        await using (var checkout = await _database.Database.BeginAsync(default))
        {
            await checkout.ExecuteAsync("select from coupons.instance where id = $1 for update", [unit], default);
            await _node.LookAhead.RunOnceAsync(default);
            await checkout.ExecuteAsync(
                "update expiration.job set done_at = until_at, done_id = until_id",
                [],
                default
            );
            pass = _node.FollowAsync();
            const string leased =
                "select count(*) from expiration.follower where leased_until > clock_timestamp() + interval '10 seconds'";
            await Patience.UntilAsync(
                async () => await _database.ScalarAsync<long>(leased) == 1,
                "a place that is held by lease"
            );

            // What was committed is seen before its locks are let go.
            const string held =
                "select count(*) from pg_locks where relation = 'expiration.follower'::regclass and mode = 'RowExclusiveLock'";
            await Patience.UntilAsync(
                async () => await _database.ScalarAsync<long>(held) == 0,
                "a place that is held by lease alone"
            );
            Assert.False(pass.IsCompleted);
            await checkout.CommitAsync(default);
        }

        await pass;
        Assert.Equal([unit], await _node.ToldAsync());
        Assert.True(
            await _database.ScalarAsync<bool>(
                "select place = (select seq from audit.seal) and leased_until = '-infinity' from expiration.follower"
            )
        );
    }

    [Fact]
    public async Task A_node_whose_clock_is_off_stops_and_says_so()
    {
        await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        using var wrong = new Pipeline(_database, new ShiftedClock(TimeSpan.FromMinutes(3)));
        await wrong.LookAhead.RunOnceAsync(default);
        await wrong.SweepAsync();
        Assert.Empty(await _node.ToldAsync());
        Assert.Equal(
            "clock_drift",
            await _database.ScalarAsync<string>("select kind from expiration.alert where cleared_at is null")
        );
        Assert.True(await _database.ScalarAsync<bool>("select is_stopped from expiration.node"));

        // Nothing was late: the units are refused by the database's clock, and another node tells of them.
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        Assert.Single(await _node.ToldAsync());
        Assert.Equal(
            0,
            await _database.ScalarAsync<long>("select count(*) from expiration.alert where cleared_at is null")
        );
    }

    [Fact]
    public async Task A_paused_pipeline_does_nothing_and_a_draining_one_enqueues_nothing()
    {
        await _given.UnitAsync(_coupon, "ENDINGONE", until: Ended);
        await _node.LookAhead.RunOnceAsync(default);
        await _database.ExecuteAsync("update expiration.control set mode = 'paused'");
        await _node.SweepAsync();
        Assert.Empty(await _node.ToldAsync());
        await _database.ExecuteAsync("update expiration.control set mode = 'draining'");
        await _given.UnitAsync(_coupon, "ENDINGTWO", until: "(clock_timestamp() - interval '5 hours')");
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        Assert.Single(await _node.ToldAsync());
    }

    private async Task EventAsync(long unit, int sequence, string from, string to)
    {
        await _database.ExecuteAsync(
            """
            with i as (update coupons.instance set state = $4, version = $2 where id = $1)
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            values (gen_random_uuid(), 'instance', $1::text, 'coupon.state_changed', $2, 'job:test',
                jsonb_build_object('from', $3, 'to', $4, 'cause', 'test', 'coupon_id', $5), clock_timestamp())
            """,
            unit,
            sequence,
            from,
            to,
            _coupon
        );
    }
}
