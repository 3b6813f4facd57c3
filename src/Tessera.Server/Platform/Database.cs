using Npgsql;

namespace Tessera.Server.Platform;

/// <summary>
/// The connections of one node. They work as the role <c>tessera_app</c>, which cannot rewrite ledger, log and chain
/// (convention 45), whatever login the connection string names.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    /// <summary>The role that every connection of the service takes.</summary>
    public const string Role = "tessera_app";

    /// <summary>Opens nothing yet: connections are made when asked for.</summary>
    /// <param name="connectionString">Npgsql form; a login that is a member of <see cref="Role"/>.</param>
    public Database(string connectionString)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        OwnerConnectionString = connectionString;
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Options = $"-c role={Role} -c timezone=UTC -c jit=off",
            MaxAutoPrepare = 200,
            AutoPrepareMinUsages = 2,
            NoResetOnClose = true,
            IncludeErrorDetail = false,
            ApplicationName = "tessera",
        };
        settings.KeepAlive = settings.KeepAlive == 0 ? 30 : settings.KeepAlive;
        Source = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }

    /// <summary>As configured, for migrations and for the commands that make databases.</summary>
    public string OwnerConnectionString { get; }

    /// <summary>The pool of the service.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>Begins a unit of work: one transaction on one connection.</summary>
    public async ValueTask<UnitOfWork> BeginAsync(CancellationToken cancel)
    {
        var connection = await Source.OpenConnectionAsync(cancel);
        try
        {
            return new UnitOfWork(connection, await connection.BeginTransactionAsync(cancel));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
