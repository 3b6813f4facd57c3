using System.Collections.Concurrent;
using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Postgres;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>
/// One real PostgreSQL server a test run: the embedded one, or that of the binaries named by TESSERA_POSTGRES_BIN. Each
/// test gets a database of its own, copied from a migrated template and dropped when the test is over.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private const string Template = "tessera_template";

    private static readonly string[] Fast =
    [
        "fsync=off",
        "max_connections=300",
        "shared_buffers=256MB",
        "max_wal_size=256MB",
        "min_wal_size=80MB",
        // Nothing runs but the tests: what is settled in one database waits for the transactions of all.
        "autovacuum=off",
    ];

    private readonly string _directory = Place("tests");
    private readonly SemaphoreSlim _one = new(1);
    private readonly ConcurrentQueue<string> _over = [];
    private PrivatePostgres? _server;
    private int _databases;

    public PrivatePostgres Server => _server!;

    public async Task InitializeAsync()
    {
        var binaries = PostgresBinaries.Find(Environment.GetEnvironmentVariable);
        _server = await PrivatePostgres.StartAsync(binaries, _directory, Fast, CancellationToken.None);
        await _server.EnsureDatabaseAsync(Template, CancellationToken.None);
        await Migrations.ApplyAsync(_server.ConnectionStringTo(Template));
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A fresh database with this release's schema.</summary>
    /// <remarks>
    /// Made and dropped between tests, not beside them: what is settled in one database waits for the transactions of all.
    /// </remarks>
    public async Task<TestDatabase> DatabaseAsync(bool migrated = true)
    {
        // Two copies of one template at a time would be refused.
        await _one.WaitAsync();
        try
        {
            await using var connection = new NpgsqlConnection(Server.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            for (var left = _over.Count; left > 0 && _over.TryDequeue(out var over); left--)
            {
                await using var drop = new NpgsqlCommand($"drop database if exists {over} with (force)", connection);
                try
                {
                    await drop.ExecuteNonQueryAsync();
                }
                catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ObjectInUse)
                {
                    // A session that takes longer to end than the server waits for it is no fault of this test.
                    _over.Enqueue(over);
                }
            }

            var name = "test_" + Interlocked.Increment(ref _databases);
            var from = migrated ? " template " + Template : "";
            await using var create = new NpgsqlCommand($"create database {name}{from}", connection);
            await create.ExecuteNonQueryAsync();
            return new TestDatabase(Server.ConnectionStringTo(name), () => _over.Enqueue(name));
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// A directory for a server: in memory where there is plenty, as nothing here outlives the run, and a thousand files a
    /// database are slow to make on a disk; else where temporary files go.
    /// </summary>
    internal static string Place(string what)
    {
        const string memory = "/dev/shm";
        const long plenty = 4L * 1024 * 1024 * 1024;
        var machine = GC.GetGCMemoryInfo();
        var isThere =
            Directory.Exists(memory)
            && new DriveInfo(memory).AvailableFreeSpace > plenty
            && machine.TotalAvailableMemoryBytes - machine.MemoryLoadBytes > plenty
            // Programs of the server may have to be copied beside it.
            && !File.ReadLines("/proc/mounts").Any(static m => m.Contains(" /dev/shm ") && m.Contains("noexec"));
        return Path.Combine(
            isThere ? memory : Path.GetTempPath(),
            $"tessera-{what}-" + Guid.CreateVersion7().ToString("N")
        );
    }
}

[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "postgres";
}
