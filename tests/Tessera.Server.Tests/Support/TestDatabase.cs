using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Tests.Support;

/// <summary>One database of the test server, as the service sees it and as its owner.</summary>
/// <param name="connectionString">As its owner.</param>
/// <param name="isOver">Told when nobody needs it any more.</param>
public sealed class TestDatabase(string connectionString, Action? isOver = null) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _owner = NpgsqlDataSource.Create(connectionString);

    public string ConnectionString { get; } = connectionString;

    public Database Database { get; } = new(connectionString);

    /// <summary>Runs a statement as the owner.</summary>
    public async Task<int> ExecuteAsync(string sql, params object?[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of the first row, read as the owner.</summary>
    public async Task<T> ScalarAsync<T>(string sql, params object?[] values)
    {
        await using var command = Command(sql, values);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The first column of all rows, read as the owner.</summary>
    public async Task<List<T>> ColumnAsync<T>(string sql, params object?[] values)
    {
        await using var command = Command(sql, values);
        await using var rows = await command.ExecuteReaderAsync();
        var list = new List<T>();
        while (await rows.ReadAsync())
        {
            list.Add(rows.GetFieldValue<T>(0));
        }

        return list;
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await _owner.DisposeAsync();
        isOver?.Invoke();
    }

    private NpgsqlCommand Command(string sql, object?[] values)
    {
        var command = _owner.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }
}
