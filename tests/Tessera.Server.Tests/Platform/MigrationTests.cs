using Tessera.Server.Audit;
using Tessera.Server.Platform;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform;

/// <summary>What changes the database itself leaves an event, as any change does (AUD-01).</summary>
[Collection(PostgresCollection.Name)]
public sealed class MigrationTests(PostgresFixture postgres)
{
    private static readonly string[] Names = [.. Migrations.Files().Select(static f => f.Name)];

    [Fact]
    public async Task The_set_up_of_an_empty_database_is_the_first_entry_and_a_run_without_work_leaves_none()
    {
        await using var database = await postgres.DatabaseAsync(migrated: false);
        Assert.Equal(Names.Length, await Migrations.ApplyAsync(database.ConnectionString));
        Assert.Equal(0, await Migrations.ApplyAsync(database.ConnectionString));

        Assert.Equal(
            [$"database:schema database.set_up {Names.Length} job:migrations"],
            await database.ColumnAsync<string>(
                "select concat(aggregatetype, ':', aggregateid, ' ', type, ' ', sequence, ' ', actor) from platform.event"
            )
        );
        Assert.Equal(
            Names,
            await database.ColumnAsync<string>(
                "select jsonb_array_elements_text(payload -> 'files') from platform.event"
            )
        );
        Assert.Equal(
            [Names[^1]],
            await database.ColumnAsync<string>(
                "select a.name from migrations.applied a join platform.event e on e.xmin = a.xmin"
            )
        );
    }

    [Fact]
    public async Task A_set_up_that_was_broken_off_is_told_of_as_a_whole_when_it_is_done()
    {
        await using var database = await postgres.DatabaseAsync(migrated: false);
        // In the way of a file in the middle.
        await database.ExecuteAsync("create schema regions");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Migrations.ApplyAsync(database.ConnectionString));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from platform.event"));

        await database.ExecuteAsync("drop schema regions");
        Assert.InRange(await Migrations.ApplyAsync(database.ConnectionString), 1, Names.Length - 1);
        Assert.Equal(
            Names.Length,
            await database.ScalarAsync<int>(
                "select jsonb_array_length(payload -> 'files') from platform.event where type = 'database.set_up'"
            )
        );
    }

    [Fact]
    public async Task Each_file_of_an_upgrade_is_told_of_in_its_own_transaction_and_sealed()
    {
        await using var database = await postgres.DatabaseAsync();
        // A file that may be applied again, as if it had not been yet.
        const string file = "0285_platform_maintenance.sql";
        await database.ExecuteAsync("delete from migrations.applied where name = $1", file);
        Assert.Equal(1, await Migrations.ApplyAsync(database.ConnectionString));

        Assert.Equal(
            [$"""["{file}"]"""],
            await database.ColumnAsync<string>(
                """
                select (e.payload -> 'files')::text from platform.event e join migrations.applied a
                    on a.name = e.payload -> 'files' ->> 0 and a.xmin = e.xmin
                where e.type = 'database.migrated' and e.actor = 'job:migrations' and e.payload ->> 'release' <> ''
                """
            )
        );
        await using var host = await TestHost.StartAsync(database);
        await Patience.UntilAsync(async () => (await FeedAsync(host)).Count >= 2, "the first events to be sealed");
        Assert.Equal(["database.set_up", "database.migrated"], (await FeedAsync(host)).Take(2));
    }

    [Fact]
    public async Task A_file_that_fails_is_not_told_of()
    {
        await using var database = await postgres.DatabaseAsync();
        // Its tables are there, so it cannot be applied once more.
        await database.ExecuteAsync("delete from migrations.applied where name = $1", Names[0]);
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => Migrations.ApplyAsync(database.ConnectionString));
        Assert.Equal(
            0,
            await database.ScalarAsync<long>("select count(*) from platform.event where type = 'database.migrated'")
        );
    }

    [Fact]
    public async Task Partitions_are_told_of_once_each_by_whoever_makes_them()
    {
        await using var database = await postgres.DatabaseAsync();
        await using var work = await database.Database.BeginAsync(default);
        for (var i = 0; i < 2; i++)
        {
            await work.ExecuteAsync("select platform.ensure_event_months('2019-03-05')", [], default);
            await work.ExecuteAsync(
                "select coupons.ensure_instance_months(array['2019-03-05'::timestamptz])",
                [],
                default
            );
            await work.ExecuteAsync("select audit.ensure_mention_chunk(4194304)", [], default);
        }

        await work.CommitAsync(default);
        Assert.Equal(
            [
                "audit.mention_1",
                "coupons.instance_201903",
                "platform.event_201903",
                "platform.event_201904",
                "platform.event_201905",
            ],
            await database.ColumnAsync<string>(
                """
                select payload ->> 'partition' from platform.event
                where type = 'database.partition_made' and actor = 'job:partitions' order by 1
                """
            )
        );
        Assert.Equal(
            "42501",
            (
                await Assert.ThrowsAsync<Npgsql.PostgresException>(async () =>
                {
                    await using var forged = await database.Database.BeginAsync(default);
                    await forged.ExecuteAsync("select platform.tell_of_partition('none')", [], default);
                })
            ).SqlState
        );
    }

    private static async Task<List<string>> FeedAsync(TestHost host) =>
        [
            .. (await host.GetAsync("/api/v1/events?after=0"))
                .Json.GetProperty("data")
                .EnumerateArray()
                .Select(static e => e.GetProperty("type").GetString()!),
        ];
}
