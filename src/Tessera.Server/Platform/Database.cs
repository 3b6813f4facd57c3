using Npgsql;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Platform;

/// <summary>
/// The connections of one node. They work as the role <c>tessera_app</c>, which cannot rewrite ledger, log and chain
/// (convention 45), whatever login the connection string names.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private const int KeyedPoolSize = 20;
    private const int SearchPoolSize = 20;

    private readonly string _laneConnectionString;

    /// <summary>The role that every connection of the service takes.</summary>
    public const string Role = "tessera_app";

    /// <summary>Opens nothing yet: connections are made when asked for.</summary>
    /// <param name="connectionString">Npgsql form; a login that is a member of <see cref="Role"/>.</param>
    /// <param name="undoDays">For how many days changes of many that begin here can be undone.</param>
    public Database(string connectionString, int undoDays = Undoing.UsualDays)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        OwnerConnectionString = connectionString;
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            // A node that hangs in the middle of a transaction must not hold its locks, and the horizon of the sweep, for ever.
            Options =
                $"-c role={Role} -c timezone=UTC -c jit=off -c idle_in_transaction_session_timeout=20s"
                + FormattableString.Invariant($" -c tessera.undo_days={undoDays}"),
            MaxAutoPrepare = 200,
            AutoPrepareMinUsages = 2,
            NoResetOnClose = true,
            IncludeErrorDetail = false,
            ApplicationName = "tessera",
        };
        settings.KeepAlive = settings.KeepAlive == 0 ? 30 : settings.KeepAlive;
        var keyed = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            // Every statement finds rows by their keys; other plans are only ever picked by mistake.
            Options =
                settings.Options
                + " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off"
                + " -c enable_mergejoin=off -c enable_bitmapscan=off -c enable_material=off",
            MaxPoolSize = KeyedPoolSize,
        };
        Keyed = new NpgsqlDataSourceBuilder(keyed.ConnectionString).Build();
        var search = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            Options = settings.Options + " -c plan_cache_mode=force_custom_plan",
            MaxPoolSize = SearchPoolSize,
        };
        Search = new NpgsqlDataSourceBuilder(search.ConnectionString).Build();
        keyed.Pooling = false;
        _laneConnectionString = keyed.ConnectionString;
        Source = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }

    /// <summary>As configured, for migrations and for the commands that make databases.</summary>
    public string OwnerConnectionString { get; }

    /// <summary>The pool of the service.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>
    /// A pool for reads by key alone: a list of keys is one parameter, for which the planner would make a plan of its own
    /// each time, at ten times the cost of the reading.
    /// </summary>
    public NpgsqlDataSource Keyed { get; }

    /// <summary>
    /// A pool for lists whose conditions are the caller's: how rare what he looks for is decides on the way to it, so each
    /// statement is planned with its values. A plan for any value once walked a million coupons for a word none has.
    /// </summary>
    public NpgsqlDataSource Search { get; }

    /// <summary>
    /// A connection for a lane, which keeps it: its statements are the same few for ever, so each is planned once.
    /// </summary>
    public async Task<NpgsqlConnection> OpenLaneAsync(CancellationToken cancel)
    {
        var connection = new NpgsqlConnection(_laneConnectionString);
        try
        {
            await connection.OpenAsync(cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether a failure means that the database is away or restarting, and not that something was wrong.</summary>
    public static bool IsOutage(Exception error) =>
        error switch
        {
            // 57P: shutdown, crash, cannot connect now; 53300: too many connections; 08: connection exceptions; 25P03: the
            // session was ended because this node hung in a transaction.
            PostgresException { SqlState: var state } => state.StartsWith("57P", StringComparison.Ordinal)
                || state.StartsWith("08", StringComparison.Ordinal)
                || state is "53300" or "25P03",
            NpgsqlException { InnerException: PostgresException inner } => IsOutage(inner),
            NpgsqlException => true,
            System.Net.Sockets.SocketException or TimeoutException or IOException => true,
            _ => false,
        };

    /// <summary>Begins a unit of work: one transaction on one connection.</summary>
    public ValueTask<UnitOfWork> BeginAsync(CancellationToken cancel) => BeginAsync(Source, cancel);

    /// <summary>Begins a unit of work all of whose statements find rows by their keys, on a connection of <see cref="Keyed"/>.</summary>
    public ValueTask<UnitOfWork> BeginKeyedAsync(CancellationToken cancel) => BeginAsync(Keyed, cancel);

    private static async ValueTask<UnitOfWork> BeginAsync(NpgsqlDataSource source, CancellationToken cancel)
    {
        var connection = await source.OpenConnectionAsync(cancel);
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
    public async ValueTask DisposeAsync()
    {
        await Keyed.DisposeAsync();
        await Search.DisposeAsync();
        await Source.DisposeAsync();
    }
}
