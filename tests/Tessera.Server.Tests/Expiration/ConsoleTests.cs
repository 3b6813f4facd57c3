using Tessera.Server.Access;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

[Collection(PostgresCollection.Name)]
public sealed class ConsoleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Ended = "(clock_timestamp() - interval '1 minute')";

    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Figures_say_what_was_told_and_what_is_behind()
    {
        Assert.Equal("paused", (await _host.PostAsync("/api/v1/expiry/pause")).Json.GetProperty("mode").GetString());
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        await _given.UnitAsync(coupon, "WATCHEDONE", until: Ended);
        await _host.PostAsync("/api/v1/expiry/resume");
        using var node = new Pipeline(_host.Database);
        await node.LookAhead.RunOnceAsync(default);
        await node.SweepAsync();
        await ToldAsync(node, 1);
        var figures = (await _host.GetAsync("/api/v1/expiry/figures")).Json;
        Assert.Equal("running", figures.GetProperty("mode").GetString());
        Assert.Equal(1, figures.GetProperty("processed_last_hour").GetInt64());
        Assert.Equal(1, figures.GetProperty("sla").GetProperty("units").GetInt64());
        Assert.Equal(0, figures.GetProperty("backlog").GetProperty("failed_jobs").GetInt32());
        var release = (await _host.GetAsync($"/api/v1/expiry/releases?coupon_id={coupon}")).Json.GetProperty("data")[0];
        Assert.Equal(
            (1, "end_reached"),
            (release.GetProperty("units").GetInt32(), release.GetProperty("cause").GetString())
        );
        var jobs = (await _host.GetAsync("/api/v1/expiry/jobs")).Json.GetProperty("data");
        Assert.Contains(jobs.EnumerateArray(), static j => j.GetProperty("units").GetInt64() == 1);
    }

    [Fact]
    public async Task A_merchant_that_is_put_first_goes_first_in_a_backlog_and_nothing_is_told_twice()
    {
        await _host.PostAsync("/api/v1/expiry/pause");
        var merchants = await _host.Database.ColumnAsync<Guid>(
            "insert into access.merchant (id, name) select gen_random_uuid(), 'M' || n from generate_series(1, 2) n returning id"
        );
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        for (var n = 0; n < 6; n++)
        {
            await _given.UnitAsync(
                coupon,
                "WATCHED" + n,
                until: $"(clock_timestamp() - interval '{3 + (n % 3)} hours')"
            );
        }

        await _host.Database.ExecuteAsync(
            "update coupons.instance set merchant_id = ($1::uuid[])[1 + (id / 1024) % 2]",
            merchants
        );
        using var node = new Pipeline(_host.Database);
        await _host.PostAsync("/api/v1/expiry/resume");
        await node.LookAhead.RunOnceAsync(default);
        await _host.PostAsync("/api/v1/expiry/pause");
        var set = await _host.SendAsync(
            HttpMethod.Put,
            $"/api/v1/expiry/merchants/{merchants[1]}/priority",
            new { priority = 500 }
        );
        Assert.Equal(200, set.Status);
        await _host.PostAsync("/api/v1/expiry/resume");
        await node.SweepAsync();
        await ToldAsync(node, 6);
        Assert.Equal(6, (await node.ToldAsync()).Distinct().Count());
        Assert.Equal(6, (await node.ToldAsync()).Count);
        await node.Sealer.SealAsync(default);
        await node.AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_cannot_write()
    {
        await _host.PostAsync("/api/v1/expiry/pause");
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        await _given.UnitAsync(coupon, "WATCHEDONE", until: Ended);
        await _host.Database.ExecuteAsync("update expiration.control set mode = 'running'");
        using var node = new Pipeline(_host.Database);
        await node.LookAhead.RunOnceAsync(default);
        HeldJob? stopped = null;
        await using (var work = await _host.Database.Database.BeginAsync(default))
        {
            stopped = await JobStore.TakeAsync(work, "stopped", await work.ClockAsync(default), default);
            await work.CommitAsync(default);
        }

        await _host.Database.ExecuteAsync(
            "update expiration.job set leased_until = clock_timestamp() - interval '1 second'"
        );
        await node.SweepAsync();
        await ToldAsync(node, 1);
        if (stopped is not null)
        {
            const string taken = "select fence <> $2 or state <> 'waiting' from expiration.job where id = $1";
            await Patience.UntilAsync(
                async () =>
                {
                    await node.SweepAsync();
                    return await _host.Database.ScalarAsync<bool>(taken, stopped.Id, stopped.Fence);
                },
                "a job that another takes over"
            );
            await using var work = await _host.Database.Database.BeginAsync(default);
            Assert.Null(await JobStore.HoldAsync(work, stopped, default));
        }

        Assert.Single(await node.ToldAsync());
    }

    [Fact]
    public async Task A_node_killed_in_its_step_leaves_nothing_half_done()
    {
        await _host.PostAsync("/api/v1/expiry/pause");
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        for (var n = 0; n < 20; n++)
        {
            await _given.UnitAsync(
                coupon,
                "WATCHED" + n,
                until: $"(clock_timestamp() - interval '{n % 4} hours' - interval '1 minute')"
            );
        }

        await _host.Database.ExecuteAsync("update expiration.control set mode = 'running'");
        using var node = new Pipeline(_host.Database);
        await node.LookAhead.RunOnceAsync(default);
        for (var kill = 0; kill < 5; kill++)
        {
            var sweep = SweptAsync(() => node.Sweeper.RunOnceAsync(default));
            await _host.Database.ExecuteAsync(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tessera' and datname = current_database() and state = 'idle in transaction'"
            );
            await sweep;
        }

        await _host.Database.ExecuteAsync("update expiration.job set leased_until = null where state = 'waiting'");
        await Patience.UntilAsync(
            async () =>
            {
                await SweptAsync(node.SweepAsync);
                return (await node.ToldAsync()).Count >= 20;
            },
            "20 units to be told of"
        );
        Assert.Equal(20, (await node.ToldAsync()).Distinct().Count());
        Assert.Equal(20, (await node.ToldAsync()).Count);

        // A session that was ended may be noticed by whoever uses its connection next.
        static async Task SweptAsync(Func<Task> sweep)
        {
            try
            {
                await sweep();
            }
            catch (Exception error) when (Database.IsOutage(error))
            {
                Assert.NotNull(error);
            }
        }
    }

    [Fact]
    public async Task A_coupon_with_a_shared_code_is_told_once_and_again_when_it_gets_a_later_end()
    {
        var coupon = await _given.CouponAsync(
            "SHAREDEND",
            "valid_from, valid_until",
            "clock_timestamp() - interval '2 days', clock_timestamp() - interval '1 minute'"
        );
        var count = "select count(*) from platform.event where type = 'coupon.expired' and aggregateid = $1::text";
        await Patience.UntilAsync(
            async () => await _host.Database.ScalarAsync<long>(count, coupon) == 1,
            "partners to be told of an end"
        );
        await _host.Database.ExecuteAsync(
            "update coupons.coupon set valid_until = clock_timestamp() + interval '1 hour' where id = $1",
            coupon
        );
        await Patience.UntilAsync(
            async () =>
                await _host.Database.ScalarAsync<long>(
                    "select count(*) from connectors.batch where kind = 'enable' and subject = 'coupon'"
                ) == 1,
            "partners to be told of a new end"
        );
        Assert.Equal(1, await _host.Database.ScalarAsync<long>(count, coupon));
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from connectors.batch where kind = 'disable' and subject = 'coupon'"
            )
        );
    }

    [Fact]
    public async Task A_replay_finds_what_was_missed_and_bad_spans_are_named()
    {
        await _host.PostAsync("/api/v1/expiry/pause");
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        await _given.UnitAsync(
            coupon,
            "WATCHEDONE",
            from: "clock_timestamp() - interval '40 days'",
            until: "(clock_timestamp() - interval '30 days')"
        );
        var now = await _host.Database.ScalarAsync<string>(
            "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        var wrong = await _host.PostAsync("/api/v1/expiry/replay", new { from = now, until = now });
        Assert.Equal([("until", "not_after")], wrong.Errors);
        var span = new { from = "2020-01-01T00:00:00Z", until = now };
        Assert.Equal([("until", "too_far")], (await _host.PostAsync("/api/v1/expiry/replay", span)).Errors);
        var from = await _host.Database.ScalarAsync<string>(
            "select to_char((clock_timestamp() - interval '60 days') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        var found = await _host.PostAsync("/api/v1/expiry/replay", new { from, until = now });
        Assert.Equal((200, 1), (found.Status, found.Json.GetProperty("hours").GetInt32()));
    }

    [Fact]
    public async Task A_merchant_neither_sees_nor_steers_the_pipeline()
    {
        var key = await _host.KeyAsync(
            [Permissions.ExpiryRead, Permissions.ExpiryManage],
            Guid.CreateVersion7(),
            merchantExists: false
        );
        var client = _host.ClientOf(key);
        Assert.Equal("not_for_merchants", (await _host.GetAsync("/api/v1/expiry/figures", client)).Code);
        Assert.Equal("not_for_merchants", (await _host.GetAsync("/api/v1/expiry/jobs", client)).Code);
        Assert.Equal("not_for_merchants", (await _host.PostAsync("/api/v1/expiry/pause", client: client)).Code);
    }

    [Fact]
    public async Task A_pipeline_that_fails_or_falls_behind_raises_an_alert_that_ends_with_its_cause()
    {
        await _host.PostAsync("/api/v1/expiry/drain");
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        await _given.UnitAsync(coupon, "WATCHEDONE", until: "(clock_timestamp() - interval '2 hours')");
        await _host.PostAsync("/api/v1/expiry/pause");
        await _host.Database.ExecuteAsync(
            """
            with b as (insert into expiration.bucket select date_trunc('hour', clock_timestamp() - interval '9 hours', 'UTC'),
                date_trunc('hour', clock_timestamp() - interval '9 hours', 'UTC') + interval '1 hour', 1, 'hand', clock_timestamp()
                on conflict do nothing returning starts_at)
            insert into expiration.job (bucket, from_at, from_id, until_at, until_id, done_at, done_id, planned, state, created_at)
            select starts_at, starts_at, -1, starts_at + interval '1 hour', -1, starts_at, -1, 1, 'failed', clock_timestamp() from b
            """
        );
        await CheckAsync();
        var open = (await _host.GetAsync("/api/v1/expiry/alerts?is_open=true")).Json.GetProperty("data");
        var failing = open.EnumerateArray().Single(static a => a.GetProperty("kind").GetString() == "failing");
        var address = $"/api/v1/expiry/alerts/{failing.GetProperty("id").GetString()}/acknowledge";
        Assert.Equal(
            [("note", "too_long")],
            (await _host.PostAsync(address, new { note = new string('x', 501) })).Errors
        );
        var noted = await _host.PostAsync(address, new { note = "The partner is told." });
        Assert.Equal("The partner is told.", noted.Json.GetProperty("acknowledged_note").GetString());
        Assert.Equal(noted.Body, (await _host.PostAsync(address)).Body);
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'expiry.alert_acknowledged'"
            )
        );
        await _host.Database.ExecuteAsync("update expiration.job set state = 'waiting'");
        await CheckAsync();
        open = (await _host.GetAsync("/api/v1/expiry/alerts?is_open=true")).Json.GetProperty("data");
        Assert.DoesNotContain(open.EnumerateArray(), static a => a.GetProperty("kind").GetString() == "failing");
    }

    [Fact]
    public async Task An_hour_with_many_times_the_units_of_other_days_raises_an_alert_and_an_ordinary_one_none()
    {
        await _host.PostAsync("/api/v1/expiry/pause");
        // Two weeks of the same hour with 20,000 units each, and one to come with a little less than five times as many.
        await _host.Database.ExecuteAsync(
            """
            insert into expiration.bucket
            select h.at, h.at + interval '1 hour', case when n = 0 then 99000 else 20000 end, 'hand', clock_timestamp()
            from generate_series(0, 13) n
            cross join lateral (select date_trunc('hour', clock_timestamp(), 'UTC') + interval '2 hours' - n * interval '1 day' as at) h
            """
        );
        Assert.DoesNotContain("unusual_volume", await KindsAsync());
        const string change =
            "update expiration.bucket set planned = $1 where starts_at = (select max(starts_at) from expiration.bucket)";
        await _host.Database.ExecuteAsync(change, 101_000L);
        Assert.Contains("unusual_volume", await KindsAsync());
        await _host.Database.ExecuteAsync(change, 20_000L);
        Assert.DoesNotContain("unusual_volume", await KindsAsync());

        async Task<List<string?>> KindsAsync()
        {
            await CheckAsync();
            var open = (await _host.GetAsync("/api/v1/expiry/alerts?is_open=true")).Json.GetProperty("data");
            return [.. open.EnumerateArray().Select(static a => a.GetProperty("kind").GetString())];
        }
    }

    [Fact]
    public async Task The_look_ahead_is_set_within_its_bounds()
    {
        const string path = "/api/v1/expiry/look-ahead";
        var set = await _host.SendAsync(HttpMethod.Put, path, new { hours = 72 });
        Assert.Equal((200, 72), (set.Status, set.Json.GetProperty("hours").GetInt32()));
        var figures = (await _host.GetAsync("/api/v1/expiry/figures")).Json;
        Assert.Equal(72, figures.GetProperty("look_ahead_hours").GetInt32());
        foreach (var hours in (int[])[23, 721])
        {
            Assert.Equal(
                [("hours", "out_of_range")],
                (await _host.SendAsync(HttpMethod.Put, path, new { hours })).Errors
            );
        }

        // What ends in 60 hours is enqueued now; with the usual 48 hours it would not be.
        var coupon = await _given.CouponAsync("WATCHED", kind: "unique");
        await _given.UnitAsync(coupon, "WATCHEDONE", until: "(clock_timestamp() + interval '60 hours')");
        using var node = new Pipeline(_host.Database);
        await node.LookAhead.RunOnceAsync(default);
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from expiration.bucket"));
    }

    [Fact]
    public async Task Merchants_with_the_most_redeemed_go_first_unless_somebody_said_otherwise()
    {
        var merchants = await _host.Database.ColumnAsync<Guid>(
            "insert into access.merchant (id, name) select gen_random_uuid(), 'M' || n from generate_series(1, 3) n returning id"
        );
        for (var n = 0; n < 3; n++)
        {
            await _given.CouponAsync("RANKED" + n, "merchant_id", $"'{merchants[n]}'");
            var redeemed = await _host.PostAsync(
                "/api/v1/redemptions",
                new
                {
                    code = "RANKED" + n,
                    customer_id = await _given.CustomerAsync(),
                    order = new { reference = "o" + n, amount = new { amount = 1000 * (n + 1), currency = "USD" } },
                }
            );
            Assert.True(redeemed.Status == 201, redeemed.Body);
        }

        await _host.Database.ExecuteAsync(
            "insert into expiration.merchant_priority (merchant_id, priority, source, set_by) values ($1, 5, 'hand', 'test')",
            merchants[2]
        );
        using var node = new Pipeline(_host.Database);
        await node.CatchUp.RunAsync(default);
        Assert.Equal(
            [merchants[1], merchants[0], merchants[2]],
            await _host.Database.ColumnAsync<Guid>(
                "select merchant_id from expiration.merchant_priority order by priority desc"
            )
        );
    }

    [Fact]
    public async Task The_command_line_pauses_and_shows_the_pipeline_as_the_console_does()
    {
        var control = new PipelineControl(_host.Database.Database);
        await control.SetModeAsync("paused", "cli:test", default);
        Assert.Contains(("mode", "paused"), await control.StatusAsync(default));
        var figures = (await _host.GetAsync("/api/v1/expiry/figures")).Json;
        Assert.Equal("paused", figures.GetProperty("mode").GetString());
        await _host.PostAsync("/api/v1/expiry/resume");
        Assert.Contains(("mode", "running"), await control.StatusAsync(default));
    }

    private async Task CheckAsync()
    {
        await using var work = await _host.Database.Database.BeginAsync(default);
        await Anomalies.CheckAsync(work, default);
        await work.CommitAsync(default);
    }

    private static Task ToldAsync(Pipeline node, int units) =>
        Patience.UntilAsync(async () => (await node.ToldAsync()).Count >= units, $"{units} units to be told of");
}
