using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Postgres;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>
/// One real PostgreSQL server a test run: the embedded one, or that of the binaries named by TESSERA_POSTGRES_BIN. Each
/// test class gets databases of its own, copied from a migrated template.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private const string Template = "tessera_template";

    private static readonly string[] Fast = ["fsync=off", "max_connections=300", "shared_buffers=256MB"];

    private readonly string _directory = Path.Combine(
        Path.GetTempPath(),
        "tessera-tests-" + Guid.CreateVersion7().ToString("N")
    );
    private readonly SemaphoreSlim _one = new(1);
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
    public async Task<TestDatabase> DatabaseAsync(bool migrated = true)
    {
        var name = "test_" + Interlocked.Increment(ref _databases);

        // Two copies of one template at a time would be refused.
        await _one.WaitAsync();
        try
        {
            await using var connection = new NpgsqlConnection(Server.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            var from = migrated ? " template " + Template : "";
            await using var create = new NpgsqlCommand($"create database {name}{from}", connection);
            await create.ExecuteNonQueryAsync();
        }
        finally
        {
            _one.Release();
        }

        return new TestDatabase(Server.ConnectionStringTo(name));
    }
}

[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "postgres";
}
