using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// How far the past is settled: an instant before which nothing can be decided any more. A redemption reads the clock
/// after it has locked its rows, that is after its transaction has a number; so once every transaction that had a number
/// at an instant is over, whatever was decided before that instant can be seen, and what comes later is refused as
/// expired. Nobody has to lock ten million rows to know that they are unused.
/// </summary>
public sealed class Horizon(Database database) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private (DateTimeOffset At, long Transaction)? _asked;
    private DateTimeOffset _settled = DateTimeOffset.MinValue;

    /// <summary>The latest instant known to be settled. Transactions that are long in writing hold it back.</summary>
    public async Task<DateTimeOffset> AdvanceAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            _asked ??= await AskAsync(cancel);
            if (await OldestAsync(cancel) > _asked.Value.Transaction)
            {
                _settled = _asked.Value.At;
                _asked = null;
            }

            return _settled;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private async Task<(DateTimeOffset At, long Transaction)> AskAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);

        // In this order: every transaction that read the clock before this instant has a smaller number.
        var at = await work.ClockAsync(cancel);
        await using var number = work.Command("select pg_current_xact_id()::text::bigint");
        var transaction = (long)(await number.ExecuteScalarAsync(cancel))!;
        await work.CommitAsync(cancel);
        return (at, transaction);
    }

    private async Task<long> OldestAsync(CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        );
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }
}
