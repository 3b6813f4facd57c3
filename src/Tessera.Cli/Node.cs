using Npgsql;
using Tessera.Server;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Postgres;

namespace Tessera.Cli;

/// <summary>The database a command works on: the configured one, or a private PostgreSQL that runs as long as it does.</summary>
internal sealed class Node : IAsyncDisposable
{
    private const string DatabaseName = "tessera";

    private readonly PrivatePostgres? _private;

    private Node(Settings settings, PrivatePostgres? postgres) => (Settings, _private) = (settings, postgres);

    /// <summary>With a connection string.</summary>
    public Settings Settings { get; }

    /// <summary>Settings of the environment, with those of the command line over them.</summary>
    public static Settings Read(Func<Settings, Settings>? change = null)
    {
        var settings = Settings.Read(
            Environment.GetEnvironmentVariable,
            Environment.GetEnvironmentVariables().Keys.Cast<string>()
        );
        return change?.Invoke(settings) ?? settings;
    }

    /// <summary>Makes sure that there is a database with this release's schema.</summary>
    /// <exception cref="InvalidOperationException">The server is too old, or may lose what it has acknowledged.</exception>
    public static async Task<Node> OpenAsync(Settings settings, CancellationToken cancel)
    {
        PrivatePostgres? postgres = null;
        if (settings.ConnectionString is null)
        {
            var binaries = PostgresBinaries.Find(Environment.GetEnvironmentVariable);
            postgres = await PrivatePostgres.StartAsync(binaries, settings.DataDirectory, [], cancel);
            await postgres.EnsureDatabaseAsync(DatabaseName, cancel);
            settings = settings with { ConnectionString = postgres.ConnectionStringTo(DatabaseName) };
        }

        var node = new Node(settings, postgres);
        try
        {
            await node.CheckAsync(cancel);
            await Migrations.ApplyAsync(settings.ConnectionString, cancel);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (_private is not null)
        {
            await _private.DisposeAsync();
        }
    }

    private async Task CheckAsync(CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(Settings.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(cancel);
        if (connection.PostgreSqlVersion.Major < 15)
        {
            throw new InvalidOperationException(
                $"PostgreSQL 15 or newer is needed; this is {connection.PostgreSqlVersion}."
            );
        }

        await using var query = new NpgsqlCommand(
            "select string_agg(name, ', ') from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes') "
                + "and setting = 'off'",
            connection
        );
        if (await query.ExecuteScalarAsync(cancel) is string off && !Settings.AllowUnsafeDurability)
        {
            throw new InvalidOperationException(
                $"The database may lose what it has acknowledged: {off} off. "
                    + "Switch it on, or set TESSERA_ALLOW_UNSAFE_DURABILITY=true."
            );
        }
    }
}
