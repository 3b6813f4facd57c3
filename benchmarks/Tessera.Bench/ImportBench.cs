using System.Diagnostics;
using System.Globalization;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Bench;

/// <summary>
/// A file of coupons through the import, against COPY of the very same rows into the very same tables and indexes.
/// The import's time runs from the file to its last commit: checking, keeping and reading the file included.
/// </summary>
internal static class ImportBench
{
    private const int Port = 18103;

    private static readonly string[] Tables = ["coupons.coupon", "coupons.code", "platform.event"];

    public static async Task<int> RunAsync(Options options)
    {
        var (rows, rounds) = (options.Instances ?? (options.Quick ? 60_000 : 1_000_000), 3);
        await using var ground = await Ground.MakeAsync();
        var file = Path.GetTempFileName();
        try
        {
            await WriteFileAsync(file, rows);
            var directory = await ground.ScalarAsync<string>("show data_directory");
            var ours = new List<double>();
            var bare = new List<double>();
            for (var round = 0; round <= rounds; round++)
            {
                // The first round warms up, and makes the rows that are copied.
                await EmptyAsync(ground);
                var before = ground.Cpu;
                var seconds = await ImportAsync(ground, file, rows);
                Figures.Say($"import  {rows / seconds, 10:F0} rows a second, {(ground.Cpu - before).Per(rows)}");
                if (round == 0)
                {
                    foreach (var table in Tables)
                    {
                        await ground.ExecuteAsync($"copy (select * from {table}) to '{directory}/{table}.copy'");
                    }
                }

                await EmptyAsync(ground);
                before = ground.Cpu;
                var copy = await CopyAsync(ground, directory);
                Figures.Say($"COPY    {rows / copy, 10:F0} rows a second, {(ground.Cpu - before).Per(rows)}");
                if (round > 0)
                {
                    ours.Add(seconds);
                    bare.Add(copy);
                }
            }

            await EmptyAsync(ground);
            var (inServer, idle, most) = await ServeAsync(ground, file, options.Lanes);
            var figures = new Figures();
            figures.AddRatio("copy_ratio", bare, ours);
            figures.Add("rows_per_second", rows / Figures.Median(ours));
            figures.Add("copy_rows_per_second", rows / Figures.Median(bare));
            figures.Add("server_rows_per_second", rows / inServer);
            figures.Add("server_idle_megabytes", idle);
            figures.Add("server_most_megabytes", most);
            figures.Print();
            return 0;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task WriteFileAsync(string path, int rows)
    {
        await using var file = File.CreateText(path);
        await file.WriteLineAsync(
            "code,discount_type,discount_value,valid_from,internal_name,description_en,max_uses_total,valid_until,applicable_to,campaign_source"
        );
        for (var i = 0; i < rows; i++)
        {
            // Codes in no order, as partners' codes are.
            var number = unchecked((uint)i * 2654435761u);
            await file.WriteLineAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"IMP-{number:X8},{(i % 3 == 0 ? "fixed_amount,5.50" : "percentage,10")},2099-01-01,Spring sale {i},\"Ten off, this spring\",{1 + (i % 1000)},2099-06-30,all,partner-{i % 50}"
                )
            );
        }
    }

    private static async Task<Operation> KeepAsync(Ground ground, string path, bool leased)
    {
        await using var work = await ground.Database.BeginAsync(default);
        await using var file = File.OpenRead(path);
        var operation = await ImportOperation.CreateAsync(
            work,
            "coupons.csv",
            file,
            new ImportOptions(ActivateImmediately: true),
            new CatalogueActor("job:bench", "bench"),
            leased,
            default
        );
        await work.CommitAsync(default);
        return operation;
    }

    private static async Task<double> ImportAsync(Ground ground, string path, int rows)
    {
        var clock = Stopwatch.StartNew();
        var operation = await KeepAsync(ground, path, leased: true);
        await ImportOperation.RunAsync(ground.Database, operation, null, default);
        var seconds = clock.Elapsed.TotalSeconds;
        var made = await ground.ScalarAsync<long>("select count(*) from coupons.coupon");
        return made == rows ? seconds : throw new InvalidOperationException($"{made} of {rows} rows were imported.");
    }

    private static async Task<double> CopyAsync(Ground ground, string directory)
    {
        var clock = Stopwatch.StartNew();
        await using var connection = await ground.Owner.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var table in Tables)
        {
            await using var copy = connection.CreateCommand();
            copy.CommandText = $"copy {table} from '{directory}/{table}.copy'";
            copy.CommandTimeout = 0;
            await copy.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>The import by a node, which seals the events meanwhile: how long, and how its memory goes.</summary>
    private static async Task<(double Seconds, double IdleMegabytes, double MostMegabytes)> ServeAsync(
        Ground ground,
        string path,
        int lanes
    )
    {
        await using var server = await ground.ServeAsync(Port, lanes);
        var idle = server.Megabytes;
        var most = idle;
        var clock = Stopwatch.StartNew();
        var operation = await KeepAsync(ground, path, leased: false);
        string status;
        do
        {
            await Task.Delay(50);
            most = Math.Max(most, server.Megabytes);
            status = await ground.ScalarAsync<string>(
                $"select status from platform.operation where id = '{operation.Id}'"
            );
        } while (status is "pending" or "running");

        return status == "succeeded"
            ? (clock.Elapsed.TotalSeconds, idle, most)
            : throw new InvalidOperationException($"The import {status}.");
    }

    private static async Task EmptyAsync(Ground ground)
    {
        await ground.ExecuteAsync(
            "truncate coupons.coupon, coupons.total, coupons.code, platform.event, platform.operation cascade"
        );
        await ground.ExecuteAsync("checkpoint");
    }
}
