using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;
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
            int session;
            await using (var holder = await HoldSecondBatchAsync(database))
            {
                using var first = Import(database, file);
                await Patience.UntilAsync(
                    async () => await DoneAsync(database) > 0 || first.HasExited,
                    "the first batch of an import"
                );
                session = await BatchWaits.UntilBlockedAsync(
                    database,
                    await database.ScalarAsync<Guid>("select id from platform.operation"),
                    ImportOperation.BatchSize,
                    holder
                );
                first.Kill();
                await Patience.ForAsync(first.WaitForExitAsync(), "the end of a killed import");
            }

            // What was committed is whole: coupons, codes, events and the progress agree.
            await BatchWaits.UntilGoneAsync(database, session);
            var done = await DoneAsync(database);
            Assert.Equal(ImportOperation.BatchSize, done);
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

    /// <summary>Takes a code of the second batch, and does not say whether for good.</summary>
    private static async Task<NpgsqlConnection> HoldSecondBatchAsync(TestDatabase database)
    {
        var holder = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await holder.OpenAsync();
        await using var hold = new NpgsqlCommand(
            $$"""
            begin;
            with made as (
                insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from,
                    is_active, created_by)
                values ('ROW{{ImportOperation.BatchSize + 7}}', 'A coupon', '{"en": "A coupon"}', 'percentage', 10,
                    clock_timestamp(), true, 'job:test')
                returning code, id
            )
            insert into coupons.code (code, coupon_id) select code, id from made
            """,
            holder
        );
        await hold.ExecuteNonQueryAsync();
        return holder;
    }

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
