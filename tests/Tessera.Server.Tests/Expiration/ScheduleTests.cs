using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Schedules on Quartz over PostgreSQL, shared by all nodes (EXP-01, EXP-12, EXP-14).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ScheduleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await postgres.DatabaseAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Each_time_of_a_schedule_comes_once_for_all_nodes_and_goes_on_when_one_leaves()
    {
        var (one, other) = (new Pass("0/1 * * * * ?"), new Pass("0/1 * * * * ?"));
        using var first = Node(one);
        using var second = Node(other);
        Stopwatch clock;
        await using (var work = await _database.Database.BeginAsync(default))
        {
            // Nobody looks for schedules while another may be writing them.
            await work.ExecuteAsync(
                "select pg_advisory_xact_lock(hashtextextended('expiration.schedules', 0))",
                [],
                default
            );
            await first.StartAsync(default);
            await second.StartAsync(default);
            await UntilAsync(
                2,
                "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())"
            );
            Assert.Equal(0, await _database.ScalarAsync<long>("select count(*) from quartz.qrtz_triggers"));
            clock = Stopwatch.StartNew();
        }

        await UntilAsync(() => one.Times + other.Times >= 4);
        // The first second may have begun before; with a clock of its own each node would be here in half the time.
        Assert.True(clock.Elapsed.TotalSeconds >= 2, clock.Elapsed.ToString());

        // Whoever has the times leaves; the other takes over within seconds, though nobody tells it.
        var (leaving, left, staying, stays) =
            one.Times > other.Times ? (first, one, second, other) : (second, other, first, one);
        await leaving.StopAsync(default);
        var (gone, before) = (left.Times, stays.Times);
        await UntilAsync(() => stays.Times >= before + 2);
        await staying.StopAsync(default);

        Assert.Equal(gone, left.Times);
        Assert.Equal(0, await _database.ScalarAsync<long>("select count(*) from quartz.qrtz_fired_triggers"));
        // Never more often than the seconds since the one beginning: a second node that began anew would show.
        var seconds = await _database.ScalarAsync<long>(
            "select prev_fire_time / 10000000 - start_time / 10000000 + 1 from quartz.qrtz_triggers"
        );
        Assert.InRange(one.Times + other.Times, 4, seconds);
    }

    [Fact]
    public async Task A_time_that_came_while_no_node_ran_is_made_up_for_at_the_next_start()
    {
        // Once a day, and not now.
        var hour = (TimeProvider.System.GetUtcNow().Hour + 12) % 24;
        var pass = new Pass(string.Create(CultureInfo.InvariantCulture, $"0 0 {hour} * * ?"));
        using (var node = Node(pass))
        {
            await node.RunOnceAsync(default);
            await node.StopAsync(default);
        }

        Assert.Equal(0, pass.Times);
        await _database.ExecuteAsync(
            "update quartz.qrtz_triggers set next_fire_time = next_fire_time - 864000000000::bigint * 2"
        );
        using var again = Node(pass);
        await again.StartAsync(default);
        await UntilAsync(() => pass.Times == 1);
        await again.StopAsync(default);
    }

    [Fact]
    public async Task A_node_whose_clock_is_off_runs_no_schedule_and_moves_none()
    {
        var pass = new Pass("0/1 * * * * ?");
        var late = new ShiftedClock(TimeSpan.FromMinutes(5));
        using var node = Node(pass, late);
        await node.StartAsync(default);
        await UntilAsync(1, "select count(*) from quartz.qrtz_triggers");
        var first = await _database.ScalarAsync<long>("select next_fire_time from quartz.qrtz_triggers");

        // Its time comes, and the two after it.
        await UntilAsync(
            1,
            $"""
            select count(*) from quartz.qrtz_triggers
            where {first} < extract(epoch from clock_timestamp() - interval '2 seconds') * 10000000 + 621355968000000000
            """
        );
        await node.StopAsync(default);

        Assert.Equal(0, pass.Times);
        Assert.Equal(first, await _database.ScalarAsync<long>("select next_fire_time from quartz.qrtz_triggers"));
        Assert.True(
            await _database.ScalarAsync<bool>(
                $"""
                select {first} < extract(epoch from clock_timestamp() + interval '1 minute') * 10000000 + 621355968000000000
                """
            )
        );
    }

    private Scheduling Node(Pass pass, TimeProvider? clock = null)
    {
        clock ??= TimeProvider.System;
        var nodeClock = new NodeClock(_database.Database, clock, NullLogger<NodeClock>.Instance);
        return new Scheduling(_database.Database, nodeClock, [pass], clock, NullLoggerFactory.Instance);
    }

    private Task UntilAsync(long count, string query) =>
        Patience.UntilAsync(async () => await _database.ScalarAsync<long>(query) == count, $"{query}: {count}");

    private static Task UntilAsync(Func<bool> isTrue) =>
        Patience.UntilAsync(() => Task.FromResult(isTrue()), "a schedule to run");

    private sealed class Pass(string cron) : IScheduledPass
    {
        private int _times;

        public int Times => _times;

        public string Name => "test";

        public string Cron => cron;

        public Task RunOnceAsync(CancellationToken cancel)
        {
            Interlocked.Increment(ref _times);
            return Task.CompletedTask;
        }
    }
}
