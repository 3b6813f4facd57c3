using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>
/// The database's clock for prices, without asking it each time: what it said within the last second, and how long that is
/// ago. Good enough for a price; whatever is decided reads the clock itself, after its locks (convention 39).
/// </summary>
public sealed class QuoteClock(Database database, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private Sample? _sample;

    /// <summary>The present instant, to within a few milliseconds.</summary>
    public async ValueTask<DateTimeOffset> NowAsync(CancellationToken cancel)
    {
        if (_sample is { } known && time.GetElapsedTime(known.Taken) is var age && age < Fresh)
        {
            return known.At + age;
        }

        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        await using var query = new Npgsql.NpgsqlCommand("select platform.clock()", connection);
        var at = new DateTimeOffset((DateTime)(await query.ExecuteScalarAsync(cancel))!);
        _sample = new Sample(at, time.GetTimestamp());
        return at;
    }

    private sealed record Sample(DateTimeOffset At, long Taken);
}
