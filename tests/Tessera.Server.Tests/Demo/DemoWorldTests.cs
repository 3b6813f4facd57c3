using Tessera.Server.Audit;
using Tessera.Server.Demo;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Demo;

[Collection(PostgresCollection.Name)]
public sealed class DemoWorldTests(PostgresFixture postgres)
{
    [Fact]
    public async Task It_is_loaded_once_into_an_empty_database_and_keeps_every_promise()
    {
        await using var database = await postgres.DatabaseAsync();
        Assert.True(await DemoWorld.LoadAsync(database.Database, default));
        Assert.False(await DemoWorld.LoadAsync(database.Database, default));
        Assert.Equal(12, await database.ScalarAsync<long>("select count(*) from coupons.coupon"));
        Assert.Equal(20, await database.ScalarAsync<long>("select count(*) from redemptions.redemption"));
        Assert.Equal(
            ["below_minimum", "expired", "limit_reached", "wrong_segment"],
            await database.ColumnAsync<string>("select reason from redemptions.refusal order by reason")
        );
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from redemptions.rollback"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from redemptions.reservation"));
        await foreach (var finding in new Verification(database.ConnectionString).RunAsync(default))
        {
            Assert.True(
                finding.Fault is null || finding.Name.Contains("chain", StringComparison.Ordinal),
                finding.Fault
            );
        }
    }
}
