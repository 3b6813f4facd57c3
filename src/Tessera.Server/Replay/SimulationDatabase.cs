using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Replay;

/// <summary>
/// A database of this server that is made for one replay and removed after it. Its clock stands still until it is moved:
/// here alone <c>platform.clock()</c> is not <c>clock_timestamp()</c>.
/// </summary>
public sealed class SimulationDatabase : IAsyncDisposable
{
    private const string Clock = """
        create table platform.simulated_clock (at timestamptz not null);
        insert into platform.simulated_clock values (clock_timestamp());
        create or replace function platform.clock() returns timestamptz
            language sql volatile parallel unsafe security definer
            as 'select at from platform.simulated_clock';
        create function platform.set_clock(instant timestamptz) returns void
            language sql volatile parallel unsafe security definer
            as 'update platform.simulated_clock set at = instant';
        grant execute on function platform.set_clock(timestamptz) to tessera_app;
        """;

    private readonly string _server;
    private readonly string _name;
    private NpgsqlConnection? _clock;

    private SimulationDatabase(string server, string name)
    {
        (_server, _name) = (server, name);
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
        Database = new Database(ConnectionString);
    }

    /// <summary>How to connect to it, as its owner.</summary>
    public string ConnectionString { get; }

    /// <summary>As the service sees it.</summary>
    public Database Database { get; }

    /// <summary>Makes one with this release's schema.</summary>
    /// <param name="server">A login that may create databases.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<SimulationDatabase> MakeAsync(string server, CancellationToken cancel)
    {
        var made = new SimulationDatabase(server, NewName());
        await made.OnServerAsync($"create database {made._name}", cancel);
        try
        {
            await Migrations.ApplyAsync(made.ConnectionString, cancel);
            await made.ExecuteAsOwnerAsync(Clock, cancel);
            await made.OnServerAsync($"alter database {made._name} set synchronous_commit = off", cancel);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>A copy with everything that is in it. Nothing may use the original meanwhile.</summary>
    public async Task<SimulationDatabase> CopyAsync(CancellationToken cancel)
    {
        await CloseAsync();
        var copy = new SimulationDatabase(_server, NewName());
        await OnServerAsync($"create database {copy._name} template {_name}", cancel);
        await OnServerAsync($"alter database {copy._name} set synchronous_commit = off", cancel);
        return copy;
    }

    /// <summary>Moves the clock.</summary>
    public async Task SetClockAsync(DateTimeOffset at, CancellationToken cancel)
    {
        if (_clock is null)
        {
            _clock = new NpgsqlConnection(ConnectionString + ";Pooling=false");
            await _clock.OpenAsync(cancel);
        }

        await using var move = new NpgsqlCommand("select platform.set_clock($1)", _clock);
        move.Parameters.Add(UnitOfWork.Parameter(at));
        await move.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Runs a statement as the service does.</summary>
    public async Task ExecuteAsync(string sql, CancellationToken cancel, params object?[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The rows of a query, each as the texts of its columns.</summary>
    public async Task<IReadOnlyList<string[]>> RowsAsync(string sql, CancellationToken cancel, params object?[] values)
    {
        await using var command = Command(sql, values);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var list = new List<string[]>();
        while (await rows.ReadAsync(cancel))
        {
            var texts = new string[rows.FieldCount];
            for (var i = 0; i < texts.Length; i++)
            {
                texts[i] = Convert.ToString(rows.GetValue(i), System.Globalization.CultureInfo.InvariantCulture) ?? "";
            }

            list.Add(texts);
        }

        return list;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await OnServerAsync($"drop database if exists {_name} with (force)", CancellationToken.None);
    }

    private static string NewName() => "tessera_simulation_" + Guid.CreateVersion7().ToString("N");

    private NpgsqlCommand Command(string sql, object?[] values)
    {
        var command = Database.Source.CreateCommand(sql);
        command.CommandTimeout = 0;
        foreach (var value in values)
        {
            command.Parameters.Add(UnitOfWork.Parameter(value));
        }

        return command;
    }

    private async Task CloseAsync()
    {
        if (_clock is not null)
        {
            await _clock.DisposeAsync();
            _clock = null;
        }

        await Database.DisposeAsync();
    }

    private Task OnServerAsync(string sql, CancellationToken cancel) => ExecuteAsync(_server, sql, cancel);

    private Task ExecuteAsOwnerAsync(string sql, CancellationToken cancel) =>
        ExecuteAsync(ConnectionString, sql, cancel);

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(cancel);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
