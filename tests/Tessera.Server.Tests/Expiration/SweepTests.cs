using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

[Collection(PostgresCollection.Name)]
public sealed class SweepTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private Catalogue _given = null!;
    private Pipeline _node = null!;

    public async Task InitializeAsync()
    {
        _database = await postgres.DatabaseAsync();
        _given = new Catalogue(_database);
        _node = new Pipeline(_database);
    }

    public async Task DisposeAsync()
    {
        _node.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_has_ended_is_told_once_and_what_has_not_is_not()
    {
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        var ended = await UnitsAsync(coupon, 5, "clock_timestamp() - interval '1 second'");
        var longAgo = await UnitsAsync(coupon, 2, "clock_timestamp() - interval '3 hours'");
        await UnitsAsync(coupon, 3, "clock_timestamp() + interval '1 hour'");
        await UnitsAsync(coupon, 1, "clock_timestamp() - interval '1 minute'", "redeemed");
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        Assert.Equal(longAgo.Concat(ended).Order(), await _node.ToldAsync());
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        Assert.Equal(7, (await _node.ToldAsync()).Count);
        Assert.Equal(7, await FreedAsync(coupon));
    }

    [Fact]
    public async Task No_row_of_a_unit_is_rewritten_and_verify_is_clean()
    {
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        var unit = await _given.UnitAsync(
            coupon,
            "ENDINGONE",
            from: "clock_timestamp() - interval '1 day'",
            until: "(clock_timestamp() - interval '1 minute')"
        );
        await _node.LookAhead.RunOnceAsync(default);
        await _node.SweepAsync();
        Assert.Equal([unit], await _node.ToldAsync());
        Assert.Equal("issued", await _database.ScalarAsync<string>("select state from coupons.instance"));
        await _node.AssertVerifiedAsync();
    }

    [Fact]
    public async Task Verify_names_a_unit_that_ended_and_was_never_told()
    {
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        await _given.UnitAsync(coupon, "ENDINGONE", until: "(clock_timestamp() - interval '1 minute')");
        await _node.LookAhead.RunOnceAsync(default);
        await _database.ExecuteAsync(
            "update expiration.job set done_at = until_at, done_id = until_id, state = 'done' where until_at < clock_timestamp()"
        );
        await _database.ExecuteAsync(
            "update expiration.job set done_at = clock_timestamp(), done_id = -1 where state = 'waiting' and from_at < clock_timestamp()"
        );
        var fault = await Assert.ThrowsAnyAsync<Exception>(_node.AssertVerifiedAsync);
        Assert.Contains("was never told", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_many_nodes_sweep_nothing_is_missed_or_told_twice()
    {
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        var ids = new List<long>();
        for (var hour = 1; hour <= 8; hour++)
        {
            ids.AddRange(await UnitsAsync(coupon, 40, $"clock_timestamp() - interval '{hour} hours'"));
        }

        Pipeline[] nodes = [_node, new(_database), new(_database), new(_database)];
        await Task.WhenAll(nodes.Select(n => n.LookAhead.RunOnceAsync(default)));
        await Task.WhenAll(nodes.Select(n => n.SweepAsync()));
        Assert.Equal(ids.Order(), await _node.ToldAsync());
        Assert.Equal(320, await FreedAsync(coupon));
        foreach (var node in nodes[1..])
        {
            node.Dispose();
        }
    }

    [Fact]
    public async Task Units_of_many_merchants_and_states_get_events_of_their_own()
    {
        var merchants = await _database.ColumnAsync<Guid>(
            "insert into access.merchant (id, name) select gen_random_uuid(), 'M' || n from generate_series(1, 3) n returning id"
        );
        await _database.ExecuteAsync(
            "insert into expiration.merchant_priority (merchant_id, priority, source, set_by) values ($1, 10, 'hand', 'test')",
            merchants[0]
        );
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        var ids = await UnitsAsync(coupon, 30, "clock_timestamp() - interval '1 hour'");
        await _database.ExecuteAsync(
            "update coupons.instance set merchant_id = ($1::uuid[])[1 + id % 4], state = case when id % 5 = 0 then 'paid' else state end",
            merchants
        );
        await _node.LookAhead.RunOnceAsync(default);
        Assert.Equal(2, await _database.ScalarAsync<long>("select count(*) from expiration.job"));
        await _node.SweepAsync();
        Assert.Equal(ids, await _node.ToldAsync());
        Assert.True(await _database.ScalarAsync<long>("select count(*) from expiration.batch") >= 8);
        Assert.Equal(
            merchants[0],
            await _database.ScalarAsync<Guid>(
                "select merchant_id from expiration.batch order by created_at, id limit 1"
            )
        );
    }

    [Fact]
    public async Task The_due_range_touches_only_the_partitions_it_needs()
    {
        await _database.ExecuteAsync(
            "select coupons.ensure_instance_months(array(select timestamptz '2031-03-15' + n * interval '1 month' from generate_series(-2, 2) n))"
        );
        var hour = new DateTimeOffset(2031, 3, 1, 0, 0, 0, TimeSpan.Zero);
        var (from, until) = (UnitKey.Before(hour), UnitKey.Before(hour.AddHours(1)));
        var touched = await _database.ColumnAsync<string>(
            "explain " + JobStore.Due(new HeldJob(1, 1, null, [], from, until, 0)),
            from.EndsAt,
            until.EndsAt,
            from.Id,
            until.Id
        );
        Assert.Equal(4, touched.Count(static line => line.Contains("instance_203103_", StringComparison.Ordinal)));
        Assert.Equal(4, touched.Count(static line => line.Contains(" on instance_", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Units_that_end_in_the_same_instant_are_spread_over_the_partitions()
    {
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        await UnitsAsync(coupon, 20_000, "timestamptz '2031-03-01 00:00 UTC'");
        var shares = await _database.ColumnAsync<long>(
            "select count(*) from coupons.instance where valid_until = '2031-03-01 00:00 UTC' group by tableoid"
        );
        Assert.Equal(4, shares.Count);
        Assert.All(shares, static share => Assert.InRange(share, 4_500, 5_500));
    }

    [Fact]
    public async Task A_pipeline_that_goes_on_after_a_pause_waits_for_no_lease()
    {
        var coupon = await _given.CouponAsync("ENDING", kind: "unique");
        await UnitsAsync(coupon, 10, "clock_timestamp() - interval '1 hour'");
        await _node.LookAhead.RunOnceAsync(default);
        await _database.ExecuteAsync(
            """
            create function pause_pipeline() returns trigger language plpgsql as
                $$ begin update expiration.control set mode = 'paused'; return new; end $$;
            create trigger paused after update of fence on expiration.job for each row execute function pause_pipeline()
            """
        );
        await _node.SweepAsync();
        Assert.Empty(await _node.ToldAsync());
        await _database.ExecuteAsync("drop trigger paused on expiration.job");
        await _database.ExecuteAsync("update expiration.control set mode = 'running'");
        await _node.SweepAsync();
        Assert.Equal(10, (await _node.ToldAsync()).Count);
    }

    private Task<long> FreedAsync(long coupon) =>
        _database.ScalarAsync<long>(
            "select posted from balances.account where kind = 'freed_units' and owner_id = $1::text",
            coupon
        );

    private async Task<List<long>> UnitsAsync(long coupon, int count, string until, string state = "issued")
    {
        await _database.ExecuteAsync($"select coupons.ensure_instance_months(array[{until}])");
        return await _database.ColumnAsync<long>(
            $"""
            with b as (select nextval('coupons.instance_block') * 1024 as first), e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', 1, 'job:test',
                    jsonb_build_object('first_id', first, 'last_id', first + $2 - 1), clock_timestamp() from b
            )
            insert into coupons.instance (id, valid_until, coupon_id, code, valid_from, state)
            select first + n, {until}, $1, 'U' || (first + n), clock_timestamp() - interval '30 days', $3
            from b, generate_series(0, $2 - 1) n returning id
            """,
            coupon,
            count,
            state
        );
    }
}
