using Npgsql;

namespace Tessera.Server.Platform;

/// <summary>
/// Whether this node should be sent requests (convention 32): the database answers and has this release's schema, and
/// nobody asked the node to stop.
/// </summary>
public sealed class Readiness(Database database)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private volatile bool _stopping;

    /// <summary>From now on: not ready.</summary>
    public void Stop() => _stopping = true;

    /// <summary>Asks the database.</summary>
    /// <returns>Null when ready, else why not.</returns>
    public async Task<string?> WhyNotAsync(CancellationToken cancel)
    {
        if (_stopping)
        {
            return "stopping";
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            await using var command = database.Source.CreateCommand("select count(*)::integer from migrations.applied");
            var applied = (int)(await command.ExecuteScalarAsync(patience.Token))!;
            return applied >= Migrations.Count ? null : "migrations";
        }
        catch (Exception error)
            when (error is NpgsqlException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            return "database";
        }
    }
}
