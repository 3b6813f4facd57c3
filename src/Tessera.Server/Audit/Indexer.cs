using System.Text.Json;
using Microsoft.Extensions.Logging;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Audit;

/// <summary>
/// Writes down what each sealed entry speaks of (AUD-03). It follows the chain at its own pace, so that nothing a customer
/// waits for pays for the index. One node indexes at a time: whoever holds the row of <c>audit.indexed</c>.
/// </summary>
public sealed class Indexer(Database database, TimeProvider clock, ILogger<Indexer> log)
    : Worker(clock, log, TimeSpan.FromMilliseconds(500))
{
    /// <summary>Entries of one step, and of one span.</summary>
    public const int StepSize = 4096;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        long from;
        await using (var state = work.Command("select seq from audit.indexed for update skip locked"))
        {
            if (await state.ExecuteScalarAsync(cancel) is not long seq)
            {
                return false;
            }

            from = seq;
        }

        var entries = await ReadAsync(work, from, cancel);
        if (entries.Count == 0)
        {
            return false;
        }

        await AddAccountsAsync(work, entries, cancel);
        await work.ExecuteAsync(
            "select audit.ensure_mention_chunk($1), audit.ensure_mention_chunk($2)",
            [entries[0].Seq, entries[^1].Seq],
            cancel
        );
        await WriteAsync(work, entries, cancel);
        await NoteSpanAsync(work, entries, cancel);
        await work.ExecuteAsync("update audit.indexed set seq = $1", [entries[^1].Seq], cancel);
        await work.CommitAsync(cancel);
        return entries.Count == StepSize;
    }

    private static async Task<List<Indexed>> ReadAsync(UnitOfWork work, long from, CancellationToken cancel)
    {
        var entries = new List<Indexed>(StepSize);
        await using var command = work.Command(
            """
            select a.seq, a.created_at, e.aggregatetype || ':' || e.aggregateid, e.actor, e.type, e.payload::text
            from audit.entry a
            join platform.event e on e.created_at = a.created_at and e.tx = a.tx and e.position = a.position
            where a.seq > $1 and a.seq <= $1 + $2 order by a.seq
            """,
            from,
            (long)StepSize
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            using var payload = JsonDocument.Parse(rows.GetString(5));
            var things = Mentions.Of(rows.GetString(2), rows.GetString(3), rows.GetString(4), payload.RootElement);
            entries.Add(new Indexed(rows.GetInt64(0), rows.GetFieldValue<DateTimeOffset>(1), things));
        }

        return entries;
    }

    /// <summary>What moved accounts is part of their history.</summary>
    private static async Task AddAccountsAsync(UnitOfWork work, List<Indexed> entries, CancellationToken cancel)
    {
        var moved = new Dictionary<Guid, Guid[]>();
        await using (
            var command = work.Command(
                "select id, account_ids from balances.transfer where id = any($1)",
                entries.SelectMany(static e => Mentions.TransfersOf(e.Things)).Distinct().ToArray()
            )
        )
        await using (var rows = await command.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                moved[rows.GetGuid(0)] = rows.GetFieldValue<Guid[]>(1);
            }
        }

        foreach (var entry in entries)
        {
            var accounts = Mentions
                .TransfersOf(entry.Things)
                .SelectMany(id => moved.GetValueOrDefault(id) ?? [])
                .ToList();
            entry.Things.UnionWith(accounts.Select(static id => "account:" + id));
        }
    }

    /// <summary>Spans grow until they are as long as a step, so that an idle night does not make thousands.</summary>
    private static async Task NoteSpanAsync(UnitOfWork work, List<Indexed> entries, CancellationToken cancel)
    {
        object?[] values =
        [
            entries[0].Seq,
            entries[^1].Seq,
            entries.Min(static e => e.At),
            entries.Max(static e => e.At),
        ];
        var grown = await work.ExecuteAsync(
            """
            update audit.span set last_seq = $2, first_at = least(first_at, $3), last_at = greatest(last_at, $4)
            where first_seq = (select max(first_seq) from audit.span) and last_seq = $1 - 1 and $2 - first_seq < $5
            """,
            [.. values, (long)StepSize],
            cancel
        );
        if (grown == 0)
        {
            await work.ExecuteAsync(
                "insert into audit.span (first_seq, last_seq, first_at, last_at) values ($1, $2, $3, $4)",
                values,
                cancel
            );
        }
    }

    private static async Task WriteAsync(UnitOfWork work, List<Indexed> entries, CancellationToken cancel)
    {
        // In the order of the index: neighbours are written together.
        var mentions = entries
            .SelectMany(static e => e.Things.Select(t => (Thing: Mentions.KeyOf(t), e.Seq)))
            .Distinct()
            .Order()
            .ToList();
        await using var copy = await work.Connection.BeginBinaryImportAsync(
            "copy audit.mention (thing, seq) from stdin (format binary)",
            cancel
        );
        foreach (var (thing, seq) in mentions)
        {
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(thing, NpgsqlDbType.Bigint, cancel);
            await copy.WriteAsync(seq, NpgsqlDbType.Bigint, cancel);
        }

        await copy.CompleteAsync(cancel);
    }

    private sealed record Indexed(long Seq, DateTimeOffset At, HashSet<string> Things);
}
