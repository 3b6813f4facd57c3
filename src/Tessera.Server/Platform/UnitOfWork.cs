using Npgsql;
using NpgsqlTypes;

namespace Tessera.Server.Platform;

/// <summary>One transaction of one request or step. Disposing without <see cref="CommitAsync"/> rolls back.</summary>
public sealed class UnitOfWork(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
{
    /// <summary>The connection, for readers and binary copy.</summary>
    public NpgsqlConnection Connection { get; } = connection;

    /// <summary>A statement with positional parameters ($1, $2, …).</summary>
    public NpgsqlCommand Command(string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, Connection, transaction);
        foreach (var value in values)
        {
            command.Parameters.Add(Parameter(value));
        }

        return command;
    }

    /// <summary>Runs a statement.</summary>
    /// <returns>Rows affected.</returns>
    public async Task<int> ExecuteAsync(string sql, object?[] values, CancellationToken cancel)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The database clock now; read it after the locks are held (convention 39).</summary>
    public async Task<DateTimeOffset> ClockAsync(CancellationToken cancel)
    {
        await using var command = Command("select platform.clock()");
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancel))!);
    }

    /// <summary>Makes it durable.</summary>
    public Task CommitAsync(CancellationToken cancel) => transaction.CommitAsync(cancel);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await Connection.DisposeAsync();
    }

    internal static NpgsqlParameter Parameter(object? value) =>
        value switch
        {
            null => new() { Value = DBNull.Value },
            NpgsqlParameter ready => ready,
            DateTimeOffset at => new() { Value = at, NpgsqlDbType = NpgsqlDbType.TimestampTz },
            _ => new() { Value = value },
        };
}
