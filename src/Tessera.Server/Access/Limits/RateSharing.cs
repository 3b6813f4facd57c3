using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Access.Limits;

/// <summary>Tells the other nodes what was counted here, and learns what they have counted; once a second, in one statement.</summary>
public sealed class RateSharing(Database database, RateLimits limits, TimeProvider clock, ILogger<RateSharing> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    private long _cleaned;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var taken = limits.Take();
        if (taken.Count == 0)
        {
            return false;
        }

        try
        {
            await ShareAsync(taken, cancel);
        }
        catch
        {
            foreach (var (bucket, _, window, used) in taken)
            {
                bucket.Return(window, used);
            }

            throw;
        }

        await CleanAsync(taken[0].Window, cancel);
        return false;
    }

    private async Task ShareAsync(
        IReadOnlyList<(RateLimits.Bucket Bucket, byte[] Key, long Window, long Used)> taken,
        CancellationToken cancel
    )
    {
        // In the order of the keys, so that two nodes never wait for each other in a ring.
        await using var command = database.Source.CreateCommand(
            """
            insert into access.rate as r (key, window_number, used)
            select key, window_number, used from unnest($1::bytea[], $2::bigint[], $3::bigint[]) as t (key, window_number, used)
            order by key
            on conflict (key, window_number) do update set used = r.used + excluded.used
            returning key, used
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = taken.Select(static t => t.Key).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = taken.Select(static t => t.Window).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = taken.Select(static t => t.Used).ToArray() });
        var totals = new Dictionary<string, long>(StringComparer.Ordinal);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            totals[Convert.ToHexString(rows.GetFieldValue<byte[]>(0))] = rows.GetInt64(1);
        }

        foreach (var (bucket, key, window, _) in taken)
        {
            bucket.Learn(window, totals[Convert.ToHexString(key)]);
        }
    }

    private async Task CleanAsync(long window, CancellationToken cancel)
    {
        if (_cleaned == window)
        {
            return;
        }

        _cleaned = window;
        // A minute more than needed: clocks of nodes differ a little.
        await using var command = database.Source.CreateCommand("delete from access.rate where window_number < $1");
        command.Parameters.Add(new NpgsqlParameter { Value = window - 1 });
        await command.ExecuteNonQueryAsync(cancel);
    }
}
