using System.Reflection;
using System.Security.Cryptography;
using Npgsql;

namespace Tessera.Server.Platform;

/// <summary>
/// Brings a database to the schema of this release: the files of <c>db/</c>, in order, forward only (convention 33).
/// </summary>
public static class Migrations
{
    /// <summary>How many files this release has.</summary>
    public static int Count { get; } = Files().Count;

    private const long AdvisoryLock = 0x7E55E7A;
    private const string Actor = "job:migrations";

    /// <summary>
    /// Applies what is missing, each file in a transaction of its own, under an advisory lock. The log tells of each in its
    /// transaction (AUD-01); of those that set up an empty database the last one tells, of all together.
    /// </summary>
    /// <param name="ownerConnectionString">A login that may create schemas and roles.</param>
    /// <param name="cancel">Stops between two files.</param>
    /// <returns>How many files were applied.</returns>
    /// <exception cref="InvalidOperationException">A file that has been applied was changed since.</exception>
    public static async Task<int> ApplyAsync(string ownerConnectionString, CancellationToken cancel = default)
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(ownerConnectionString) { Pooling = false }.ConnectionString
        );
        await using var connection = await source.OpenConnectionAsync(cancel);
        await ExecuteAsync(connection, $"select pg_advisory_lock({AdvisoryLock})", cancel);
        await ExecuteAsync(
            connection,
            """
            create schema if not exists migrations;
            create table if not exists migrations.applied (
                name text primary key, checksum text not null, applied_at timestamptz not null default clock_timestamp())
            """,
            cancel
        );

        var applied = new Dictionary<string, string>(StringComparer.Ordinal);
        await using (var query = new NpgsqlCommand("select name, checksum from migrations.applied", connection))
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                applied[rows.GetString(0)] = rows.GetString(1);
            }
        }

        var files = Files();
        var isSetUp = !await HasEventsAsync(connection, cancel);
        var count = 0;
        foreach (var (name, sql) in files)
        {
            var checksum = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(sql)));
            if (applied.TryGetValue(name, out var known))
            {
                if (!string.Equals(known, checksum, StringComparison.Ordinal))
                {
                    throw new InvalidOperationException($"Migration {name} was changed after it had been applied.");
                }

                continue;
            }

            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await ExecuteAsync(connection, "set local lock_timeout = '10s'", cancel);
            await ExecuteAsync(connection, sql, cancel);
            await using (
                var record = new NpgsqlCommand(
                    "insert into migrations.applied (name, checksum) values ($1, $2)",
                    connection
                )
            )
            {
                record.Parameters.Add(new() { Value = name });
                record.Parameters.Add(new() { Value = checksum });
                await record.ExecuteNonQueryAsync(cancel);
            }

            applied[name] = checksum;
            if (!isSetUp || name == files[^1].Name)
            {
                await TellAsync(
                    connection,
                    isSetUp ? [.. files.Select(static f => f.Name)] : [name],
                    applied.Count,
                    cancel
                );
            }

            await transaction.CommitAsync(cancel);
            count++;
        }

        return count;
    }

    /// <summary>Names and texts of the migrations this release carries, in the order they run.</summary>
    public static IReadOnlyList<(string Name, string Sql)> Files()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith("db/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                    return (name["db/".Length..], reader.ReadToEnd());
                }),
        ];
    }

    private static async Task<bool> HasEventsAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var table = new NpgsqlCommand("select to_regclass('platform.event') is not null", connection);
        if (!(bool)(await table.ExecuteScalarAsync(cancel))!)
        {
            return false;
        }

        await using var rows = new NpgsqlCommand("select exists (select from platform.event)", connection);
        return (bool)(await rows.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>The event of the transaction: which files, by which release.</summary>
    private static async Task TellAsync(
        NpgsqlConnection connection,
        IReadOnlyList<string> names,
        int version,
        CancellationToken cancel
    )
    {
        var entry = new EventEntry(
            "database",
            "schema",
            names.Count > 1 ? "database.set_up" : "database.migrated",
            version,
            Actor,
            EventLog.Payload(("release", Release.Version), ("files", names)),
            null
        );
        await using var clock = new NpgsqlCommand("select platform.clock()", connection);
        var now = new DateTimeOffset((DateTime)(await clock.ExecuteScalarAsync(cancel))!);
        await using var command = new NpgsqlCommand(EventLog.InsertSql, connection);
        foreach (var parameter in EventLog.Columns([entry], now))
        {
            command.Parameters.Add(parameter);
        }

        await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
