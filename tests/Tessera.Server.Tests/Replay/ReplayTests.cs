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
        using var files = new Folder();
        files.Write(
            "campaign_descriptions.csv",
            "campaign_id,campaign_type,start_date,end_date\n1,Type B,2017-03-03,2017-04-09\n2,Type A,2017-03-03,2017-03-04\n"
        );
        files.Write("campaigns.csv", "campaign_id,household_id\n1,105\n1,1238\n2,105\n");
        files.Write(
            "coupons.csv",
            "coupon_upc,product_id,campaign_id\n10000085207,1,1\n10000085207,2,1\n10000085207,2,1\n10000085208,3,2\n"
        );

        // The last day still counts; the day after it, a household without the campaign, and no more, do not.
        files.Write(
            "coupon_redemptions.csv",
            "household_id,coupon_upc,campaign_id,redemption_date\n105,10000085207,1,2017-03-03\n105,10000085208,2,2017-03-04\n"
                + "105,10000085208,2,2017-03-05\n1238,10000085207,1,2017-04-09\n1238,10000085208,2,2017-03-04\n"
        );
        files.Write("demographics.csv", "household_id,age\n105,65+\n");
        files.Write(
            "transactions_sample.csv",
            "household_id,store_id,basket_id,coupon_disc,transaction_timestamp\n105,1,7,0.55,2017-11-05T23:30:00-05:00\n"
        );
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
        using var files = new Folder();
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

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("tessera-replay-").FullName;

        public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Path, name), text);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
