using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>
/// Hears which promotions changed, on a connection of its own. A lost connection is noticed within seconds, and what
/// might have been missed is forgotten.
/// </summary>
public sealed partial class CatalogueListener(
    Database database,
    PromotionCatalogue catalogue,
    TimeProvider time,
    ILogger<CatalogueListener> log
) : BackgroundService
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <summary>How long silence is trusted before the connection is tried.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (Database.IsOutage(error))
            {
                LogLost(log, error.Message);
            }
            finally
            {
                catalogue.Listening(false);
            }

            await Task.Delay(Again, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken stop)
    {
        await using var connection = await database.Source.OpenConnectionAsync(stop);
        connection.Notification += OnNotification;
        try
        {
            await RunAsync(connection, "listen promotions", stop);
            catalogue.Listening(true);
            while (true)
            {
                if (!await connection.WaitAsync(Silence, stop))
                {
                    // Says again what it is there for: so its session is known by it, and nothing is listened to twice.
                    await RunAsync(connection, "listen promotions", stop);
                }
            }
        }
        finally
        {
            connection.Notification -= OnNotification;
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                // It goes back to the pool, where nobody listens.
                await RunAsync(connection, "unlisten promotions", CancellationToken.None);
            }
        }
    }

    private void OnNotification(object sender, NpgsqlNotificationEventArgs told)
    {
        if (Guid.TryParse(told.Payload, out var owner))
        {
            catalogue.Forget(owner);
        }
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 5 };
        await command.ExecuteNonQueryAsync(cancel);
    }

    [LoggerMessage(2101, LogLevel.Warning, "Changes of promotions are not heard for a moment: {Reason}")]
    private static partial void LogLost(ILogger log, string reason);
}
