using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tessera.Server.Coupons;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class ImportCrashTests(PostgresFixture postgres)
{
    private const int Rows = 4 * ImportOperation.BatchSize;

    [Fact]
    public async Task An_import_whose_process_is_killed_goes_on_and_stores_each_row_once()
    {
        await using var database = await postgres.DatabaseAsync();
        var file = Path.Combine(Path.GetTempPath(), "import-" + Guid.CreateVersion7().ToString("N") + ".csv");
        await File.WriteAllTextAsync(file, Coupons());
        try
        {
            using (var first = Import(database, file))
            {
                await Patience.UntilAsync(
                    async () => await DoneAsync(database) > 0 || first.HasExited,
                    "the first batch of an import"
                );
                first.Kill();
                await first.WaitForExitAsync();
            }

            // What was committed is whole: coupons, codes, events and the progress agree.
            await SettledAsync(database);
            var done = await DoneAsync(database);
            Assert.InRange(done, ImportOperation.BatchSize, Rows - 1);
            await HasAsync(database, done);

            await database.ExecuteAsync("update platform.operation set leased_until = now() - interval '1 second'");
            var operation = await database.ScalarAsync<Guid>("select id from platform.operation");
            using var second = Import(database, "--resume", operation.ToString());
            await Patience.ForAsync(second.WaitForExitAsync(), "the end of an import");
            Assert.Equal(0, second.ExitCode);
            await HasAsync(database, Rows);
            Assert.Equal(
                "succeeded",
                await database.ScalarAsync<string>("select status from platform.operation where done = total")
            );
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Coupons()
    {
        var text = new StringBuilder("code,discount_type,discount_value,valid_from\n");
        for (var i = 0; i < Rows; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"ROW{i},percentage,10,2099-03-01\n");
        }

        return text.ToString();
    }

    private static Process Import(TestDatabase database, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tessera"), ["import", .. arguments])
        {
            UseShellExecute = false,
        };
        start.Environment["TESSERA_DATABASE_URL"] = database.ConnectionString;
        start.Environment["TESSERA_ALLOW_UNSAFE_DURABILITY"] = "true";
        return Process.Start(start)!;
    }

    /// <summary>Waits until the server has noticed that its client is gone.</summary>
    private static Task SettledAsync(TestDatabase database) =>
        Patience.UntilAsync(
            async () =>
                await database.ScalarAsync<long>(
                    """
                    select count(*) from pg_stat_activity
                    where datname = current_database() and backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()
                    """
                ) == 0,
            "the end of sessions whose client is gone"
        );

    private static Task<long> DoneAsync(TestDatabase database) =>
        database.ScalarAsync<long>("select coalesce(max(done), 0) from platform.operation");

    private static async Task HasAsync(TestDatabase database, long rows)
    {
        Assert.Equal(rows, await database.ScalarAsync<long>("select count(distinct code) from coupons.coupon"));
        Assert.Equal(rows, await database.ScalarAsync<long>("select count(*) from coupons.coupon"));
        Assert.Equal(
            rows,
            await database.ScalarAsync<long>(
                "select count(*) from coupons.code o join coupons.coupon c on c.id = o.coupon_id and c.code = o.code"
            )
        );
        Assert.Equal(
            rows,
            await database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'coupon.created' and aggregateid::bigint in (select id from coupons.coupon)"
            )
        );
        Assert.Equal(
            rows,
            await database.ScalarAsync<long>(
                "select count(*) from platform.event where aggregatetype not in ('operation', 'database')"
            )
        );
    }
}
