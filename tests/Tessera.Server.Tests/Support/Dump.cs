using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using Tessera.Server.Platform.Postgres;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>What somebody finds who gets hold of a copy of a database.</summary>
public static partial class Dump
{
    /// <summary>
    /// Everything the database holds, as text: <c>pg_dump</c> where the server brings it, else every row of every table,
    /// which is what it would write; with what is in bytes shown as text too.
    /// </summary>
    public static async Task<string> OfAsync(TestDatabase database)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var binaries = PostgresBinaries.Find(Environment.GetEnvironmentVariable);
        var program = Path.Combine(binaries, "pg_dump");
        var all = new StringBuilder();
        if (File.Exists(program))
        {
            var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true };
            string[] arguments =
            [
                "-h",
                connection.Host!,
                "-p",
                connection.Port.ToString(CultureInfo.InvariantCulture),
                "-U",
                connection.Username!,
                connection.Database!,
            ];
            foreach (var argument in arguments)
            {
                start.ArgumentList.Add(argument);
            }

            start.Environment["PGPASSWORD"] = connection.Password;
            using var dump = Process.Start(start)!;
            all.Append(await dump.StandardOutput.ReadToEndAsync());
            await dump.WaitForExitAsync();
            Assert.Equal(0, dump.ExitCode);
        }
        else
        {
            var tables = await database.ColumnAsync<string>(
                """
                select format('%I.%I', schemaname, tablename) from pg_tables
                where schemaname not in ('pg_catalog', 'information_schema')
                """
            );
            foreach (var table in tables)
            {
                all.AppendJoin('\n', await database.ColumnAsync<string>($"select t::text from {table} t"));
            }
        }

        var text = all.ToString();
        foreach (var bytes in Bytes().Matches(text).Select(static m => m.Groups["hex"].Value))
        {
            all.Append(Encoding.UTF8.GetString(Convert.FromHexString(bytes[..(bytes.Length & ~1)])));
        }

        return all.ToString();
    }

    /// <summary>Waits until every event has its place in the chain.</summary>
    public static Task SealedAsync(TestDatabase database) =>
        Patience.UntilAsync(
            () =>
                database.ScalarAsync<bool>(
                    "select (select count(*) from platform.event) = (select count(*) from audit.entry)"
                ),
            "the log to be sealed"
        );

    [GeneratedRegex(@"\\x(?<hex>[0-9a-f]{2,})", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Bytes();
}
