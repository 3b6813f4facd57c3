using System.Buffers;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Audit;

/// <summary>
/// Gives every event its place and its link in the hash chain (convention 46). It takes whole transactions, none newer
/// than the oldest that still runs, so nothing is skipped and the events of one thing keep their order. One node seals
/// at a time: whoever holds the row of <c>audit.seal</c>.
/// </summary>
public sealed partial class Sealer(Database database, Settings settings, TimeProvider clock, ILogger<Sealer> log)
    : Worker(clock, log, TimeSpan.FromMilliseconds(250))
{
    private const int FetchSize = 2000;

    private static readonly TimeSpan PublishEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MakeMonthsEvery = TimeSpan.FromHours(1);

    private readonly TimeProvider _clock = clock;
    private DateTimeOffset _publishedAt;
    private DateTimeOffset _monthsMadeAt;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var head = await SealAsync(cancel);
        var now = _clock.GetUtcNow();
        if (head is { } sealedTo && now - _publishedAt >= PublishEvery)
        {
            _publishedAt = now;
            await PublishAsync(sealedTo, now, cancel);
        }

        if (now - _monthsMadeAt >= MakeMonthsEvery)
        {
            _monthsMadeAt = now;
            await using var command = database.Source.CreateCommand(
                "select platform.ensure_event_months(platform.clock())"
            );
            await command.ExecuteNonQueryAsync(cancel);
        }

        return false;
    }

    /// <summary>Seals what can be sealed by now.</summary>
    /// <returns>The head of the chain; null when another node is sealing.</returns>
    public async Task<ChainHead?> SealAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        long from;
        long seq;
        byte[] hash;
        await using (var state = work.Command("select next_tx, seq, hash from audit.seal for update skip locked"))
        await using (var row = await state.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return null;
            }

            (from, seq, hash) = (row.GetInt64(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2));
        }

        long until;
        await using (var oldest = work.Command("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
        {
            until = (long)(await oldest.ExecuteScalarAsync(cancel))!;
        }

        if (until <= from)
        {
            return new ChainHead(seq, hash);
        }

        await using (
            var open = work.Command(
                "declare unsealed no scroll cursor for select e.tx, e.position, "
                    + CanonicalEvent.Columns
                    + $" from platform.event e where e.tx >= {from} and e.tx < {until} order by e.position"
            )
        )
        {
            await open.ExecuteNonQueryAsync(cancel);
        }

        using var chain = new Chain(hash);
        var document = new ArrayBufferWriter<byte>(4096);
        var links = new CopyBuffer();
        int fetched;
        do
        {
            fetched = 0;
            links.Begin();
            await using (var fetch = work.Command($"fetch {FetchSize} from unsealed"))
            await using (var rows = await fetch.ExecuteReaderAsync(cancel))
            {
                while (await rows.ReadAsync(cancel))
                {
                    fetched++;
                    CanonicalEvent.Write(rows, 2, document);
                    links.Row(columns: 5);
                    links.Add(++seq);
                    links.Add(rows.GetInt64(0));
                    links.Add(rows.GetInt64(1));
                    links.Add(rows.GetFieldValue<DateTimeOffset>(6));
                    links.Add(chain.Add(document.WrittenSpan));
                }
            }

            if (fetched > 0)
            {
                await links.SendAsync(work, "audit.entry (seq, tx, position, created_at, hash)", cancel);
            }
        } while (fetched == FetchSize);

        hash = chain.Link;
        await work.ExecuteAsync("update audit.seal set next_tx = $1, seq = $2, hash = $3", [until, seq, hash], cancel);
        await work.CommitAsync(cancel);
        return new ChainHead(seq, hash);
    }

    /// <summary>Says outside the database how far the chain has come, so that cutting off its tail shows.</summary>
    private async Task PublishAsync(ChainHead head, DateTimeOffset now, CancellationToken cancel)
    {
        var hash = Convert.ToHexStringLower(head.Hash);
        LogHead(log, head.Seq, hash);
        if (settings.AuditHeadFile is { } file)
        {
            await File.AppendAllTextAsync(file, $"{now:yyyy-MM-ddTHH:mm:ssZ} {head.Seq} {hash}\n", cancel);
        }
    }

    [LoggerMessage(3301, LogLevel.Information, "The audit chain is sealed to {Seq} with {Hash}")]
    private static partial void LogHead(ILogger log, long seq, string hash);
}

/// <summary>How far the chain has come.</summary>
/// <param name="Seq">Of the last entry; 0 for none.</param>
/// <param name="Hash">Its hash.</param>
public sealed record ChainHead(long Seq, byte[] Hash);
