using System.Security.Cryptography;
using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Lanes;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>
/// One decision about an order on a connection of its own. Where another transaction came first, it is decided again on
/// what is there then; nothing of the first try is left.
/// </summary>
internal static class OrderTransaction
{
    private const int MostTries = 12;

    /// <summary>Counts of a coupon are kept in so many rows.</summary>
    private const int UsageShards = 16;

    /// <summary>Which row of a coupon's counts is written.</summary>
    public static short Shard => (short)(Environment.CurrentManagedThreadId % UsageShards);

    /// <summary>Runs it until it is decided.</summary>
    /// <exception cref="LaneBusyException">Others came first at every try.</exception>
    public static async Task<T> RunAsync<T>(
        Database database,
        Func<NpgsqlConnection, Task<T>> decide,
        CancellationToken cancel
    )
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await decide(connection);
            }
            catch (Exception error) when (tries < MostTries && IsContest(error))
            {
                await RollBackAsync(connection);

                // Who lost before waits a little longer than who comes new.
                await Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(1, 1 + (4 * tries))), cancel);
            }
            catch (StaleResolutionException)
            {
                // Others came first each time. Nothing is done, so who asked may ask again.
                await RollBackAsync(connection);
                throw new LaneBusyException();
            }
            catch
            {
                await RollBackAsync(connection);
                throw;
            }
        }
    }

    /// <summary>Undoes what the transaction did.</summary>
    public static async Task RollBackAsync(NpgsqlConnection connection)
    {
        if (connection.State == System.Data.ConnectionState.Open)
        {
            await using var rollback = new NpgsqlCommand("rollback", connection);
            await rollback.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private static bool IsContest(Exception error) =>
        error is StaleResolutionException
        || error
            is PostgresException
            {
                SqlState: PostgresErrorCodes.DeadlockDetected
                    or PostgresErrorCodes.SerializationFailure
                    or PostgresErrorCodes.UniqueViolation
                    or PostgresErrorCodes.CheckViolation
            };
}
