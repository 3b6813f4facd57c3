using System.Globalization;
using Npgsql;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Nodes that hang or die in the middle of a step (EXP-12, PERF-06): real processes, real signals.</summary>
[Collection(PostgresCollection.Name)]
public sealed class NodeFaultTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int Units = 300;

    private readonly List<NodeProcess> _nodes = [];
    private TestDatabase _database = null!;
    private Pipeline _look = null!;
    private long _coupon;

    public async Task InitializeAsync()
    {
        _database = await postgres.DatabaseAsync();
        _look = new Pipeline(_database);
        _coupon = await new Catalogue(_database).CouponAsync("ENDING", kind: "unique");
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _look.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_node_stopped_past_its_lease_and_one_that_is_killed_miss_nothing_and_tell_nothing_twice()
    {
        await IssueAsync(2);
        NodeProcess stopped;
        await using (await BlockStepsAsync())
        {
            _nodes.AddRange(NodeProcess.Start(_database), NodeProcess.Start(_database));
            stopped = await InAStepAsync();
            await stopped.SignalAsync("-STOP");
        }

        // What the server does by itself after 15 seconds, and the lease after 20.
        await GiveUpAsync(stopped);
        await ToldAsync(Units);
        await stopped.SignalAsync("-CONT");

        NodeProcess killed;
        await using (await BlockStepsAsync())
        {
            await IssueAsync(5);
            killed = await InAStepAsync();
            await killed.KillAsync();
        }

        await GiveUpAsync(killed);
        await ToldAsync(2 * Units);
        await _look.Sealer.SealAsync(default);
        await _look.AssertVerifiedAsync();
    }

    /// <summary>All of them, and each once.</summary>
    private async Task ToldAsync(int units)
    {
        await Patience.UntilAsync(
            async () =>
                await _database.ScalarAsync<long>("select coalesce(sum(units), 0)::bigint from expiration.batch")
                >= units,
            $"{units} units to be told of"
        );
        var told = await _look.ToldAsync();
        Assert.Equal(units, told.Count);
        Assert.Equal(units, told.Distinct().Count());
    }

    /// <summary>Lets every step wait shortly before its end, with all its writes made and nothing committed.</summary>
    private async Task<NpgsqlConnection> BlockStepsAsync()
    {
        var connection = new NpgsqlConnection(_database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var block = new NpgsqlCommand("begin; lock table expiration.minute in exclusive mode", connection);
        await block.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>The node that is in the middle of a step.</summary>
    private async Task<NodeProcess> InAStepAsync()
    {
        List<string> workers = [];
        await Patience.UntilAsync(
            async () =>
            {
                var waiting = await _database.ScalarAsync<long>(
                    "select count(*) from pg_locks where relation = 'expiration.minute'::regclass and not granted"
                );
                workers =
                    waiting == 0
                        ? []
                        : await _database.ColumnAsync<string>(
                            "select worker from expiration.job where state = 'waiting' and leased_until > clock_timestamp()"
                        );
                return workers.Count > 0;
            },
            "a node in a step"
        );
        return _nodes.Single(n => workers[0].EndsWith(":" + n.Id, StringComparison.Ordinal));
    }

    /// <summary>Ends the lease of a node, and the sessions that wait for their client in the middle of a step.</summary>
    private Task GiveUpAsync(NodeProcess node) =>
        Patience.UntilAsync(
            async () =>
            {
                await _database.ExecuteAsync(
                    """
                    select pg_terminate_backend(a.pid) from pg_stat_activity a
                    where a.datname = current_database() and a.state = 'idle in transaction'
                        and exists (select from pg_locks l where l.pid = a.pid and l.relation = 'expiration.job'::regclass)
                    """
                );
                return await _database.ExecuteAsync(
                        """
                        update expiration.job set leased_until = clock_timestamp() where id in (select id from expiration.job
                            where worker like '%:' || $1 and state = 'waiting' for update skip locked)
                        """,
                        node.Id
                    ) > 0;
            },
            "the jobs of a node that is gone"
        );

    private async Task IssueAsync(int hoursAgo)
    {
        var end = $"clock_timestamp() - interval '{Text(hoursAgo)} hours'";
        await _database.ExecuteAsync($"select coupons.ensure_instance_months(array[{end}])");
        await _database.ExecuteAsync(
            $"""
            with b as (select nextval('coupons.instance_block') * 1024 as first), e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', first, 'job:test',
                    jsonb_build_object('first_id', first, 'last_id', first + $2 - 1), clock_timestamp() from b
            )
            insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
            select first + n, {end}, $1, 'U' || (first + n), clock_timestamp() - interval '30 days'
            from b, generate_series(0, $2 - 1) n
            """,
            _coupon,
            Units
        );
    }

    private static string Text(int hours) => hours.ToString(CultureInfo.InvariantCulture);
}
