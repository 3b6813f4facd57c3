using Tessera.Server.Audit;
using Tessera.Server.Demo;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Demo;

[Collection(PostgresCollection.Name)]
public sealed class DemoHistoryTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_year_is_written_once_and_keeps_every_promise()
    {
        await using var database = await postgres.DatabaseAsync();
        Assert.Equal(0, await DemoHistory.LoadAsync(database.Database, default));
        await DemoWorld.LoadAsync(database.Database, default);
        var uses = await DemoHistory.LoadAsync(database.Database, default);
        Assert.InRange(uses, 3_000, 12_000);
        Assert.Equal(0, await DemoHistory.LoadAsync(database.Database, default));
        Assert.True(
            await database.ScalarAsync<long>(
                "select count(distinct date_trunc('month', decided_at)) from redemptions.redemption"
            ) >= 12
        );
        var returns = await database.ScalarAsync<long>(
            "select count(*) from redemptions.redemption where rolled_back_at is not null and client_id = $1",
            Guid.Empty
        );
        Assert.InRange(returns, uses / 60, uses / 20);
        Assert.Equal(
            returns,
            await database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'redemption.rolled_back'"
            )
        );
        Assert.Equal(3, await database.ScalarAsync<long>("select count(*) from connectors.lane"));
        Assert.True(await database.ScalarAsync<long>("select sum(views)::bigint from insights.view_total") > uses);
        Assert.Equal(
            await database.ScalarAsync<long>("select sum(attended::int)::bigint from redemptions.booking"),
            await database.ScalarAsync<long>(
                "select sum((payload ->> 'attended')::int)::bigint from platform.event where type = 'redemption.booking_changed'"
            )
        );
        // What waits and what is on its way, for a newcomer to look at (BAL-10, OPS-03).
        Assert.Equal(
            ["approved", "paid", "requested", "requested"],
            await database.ColumnAsync<string>("select state from balances.withdrawal order by state")
        );
        Assert.Equal(
            3,
            await database.ScalarAsync<long>("select count(*) from approvals.request where state = 'pending'")
        );
        var texts = string.Concat(
            Directory
                .EnumerateFiles(Path.Combine(ArchitectureTests.Root(), "web", "src", "shared", "i18n"), "en.*.ts")
                .Select(File.ReadAllText)
        );
        Assert.All(
            await database.ColumnAsync<string>("select distinct type from platform.event"),
            type => Assert.Contains($"'event.{type}'", texts, StringComparison.Ordinal)
        );
        await foreach (var finding in new Verification(database.ConnectionString).RunAsync(default))
        {
            Assert.True(
                finding.Fault is null || finding.Name.Contains("chain", StringComparison.Ordinal),
                finding.Fault
            );
        }
    }
}
