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

    /// <summary>Applies what is missing, each file in a transaction of its own, under an advisory lock.</summary>
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

        var count = 0;
        foreach (var (name, sql) in Files())
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

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
