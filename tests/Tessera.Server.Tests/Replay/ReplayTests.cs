using Tessera.Server.Replay;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Replay;

[Collection(PostgresCollection.Name)]
public sealed class ReplayTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_clock_stands_still_in_a_simulation_and_can_be_moved_nowhere_else()
    {
        await using var simulation = await SimulationDatabase.MakeAsync(postgres.Server.ConnectionString, default);
        var then = new DateTimeOffset(2017, 3, 1, 12, 0, 0, TimeSpan.Zero);
        await simulation.SetClockAsync(then, default);
        await using var work = await simulation.Database.BeginAsync(default);
        Assert.Equal(then, await work.ClockAsync(default));

        await using var ordinary = await postgres.DatabaseAsync();
        Assert.Equal(0, await ordinary.ScalarAsync<long>("select count(*) from pg_proc where proname = 'set_clock'"));
        Assert.True(await ordinary.ScalarAsync<bool>("select platform.clock() > now()"));
    }

    [Fact]
    public async Task A_small_journey_is_replayed_and_what_differs_from_the_published_figures_shows()
    {
        using var files = DataFolder.SmallJourney();
        var figures = await CompleteJourneyReplay.RunAsync(postgres.Server.ConnectionString, files.Path, default);
        var found = figures.All.ToLookup(f => f.Name, f => f.Found);
        Assert.Equal("3", found["redemptions"].Single());
        Assert.Equal("2", found["refused"].Single());
        Assert.Equal("2", found["on the last day"].Single());
        Assert.Equal("3", found["products in some coupon"].Single());
        Assert.Equal(
            "Type B, 2, 1, 2, 2",
            found["campaign 1: type, members, coupons, redemptions, households"].Single()
        );
        Assert.True(figures.Differing > 10);
        Assert.DoesNotContain(
            await Databases(),
            name => name.StartsWith("tessera_simulation", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_file_that_is_missing_or_lacks_a_column_is_named()
    {
        using var files = new DataFolder();
        var missing = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            OnlineRetailReplay.RunAsync(postgres.Server.ConnectionString, files.Path, default)
        );
        Assert.Contains("online_retail.csv", missing.Message, StringComparison.Ordinal);
        files.Write("online_retail.csv", "InvoiceNo,StockCode\n1,2\n");
        var lacking = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            OnlineRetailReplay.RunAsync(postgres.Server.ConnectionString, files.Path, default)
        );
        Assert.Contains("Quantity", lacking.Message, StringComparison.Ordinal);
    }

    private async Task<List<string>> Databases()
    {
        await using var database = await postgres.DatabaseAsync();
        return await database.ColumnAsync<string>("select datname::text from pg_database");
    }
}
