using System.Text.Json;
using Microsoft.Extensions.Logging;
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

    /// <summary>Most entries of a row of the index.</summary>
    public const int RunLength = 64;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginKeyedAsync(cancel);
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

    /// <summary>The next entries. Their events lie beside one another, transaction by transaction, and are read that way.</summary>
    private static async Task<List<Indexed>> ReadAsync(UnitOfWork work, long from, CancellationToken cancel)
    {
        var entries = new List<Indexed>(StepSize);
        var places = new Dictionary<long, int>(StepSize);
        var transactions = new HashSet<long>();
        await using (
            var command = work.Command(
                "select seq, created_at, tx, position from audit.entry where seq > $1 and seq <= $1 + $2 order by seq",
                from,
                (long)StepSize
            )
        )
        await using (var rows = await command.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                transactions.Add(rows.GetInt64(2));
                places.Add(rows.GetInt64(3), entries.Count);
                entries.Add(new Indexed(rows.GetInt64(0), rows.GetFieldValue<DateTimeOffset>(1), []));
            }
        }

        if (entries.Count == 0)
        {
            return entries;
        }

        await using var events = work.Command(
            """
            select e.position, e.aggregatetype || ':' || e.aggregateid, e.actor, e.type, e.payload::text
            from unnest($1::bigint[]) t (tx)
            cross join lateral (select * from platform.event e where e.tx = t.tx and e.position between $2 and $3
                and e.created_at between $4 and $5) e
            """,
            transactions.ToArray(),
            places.Keys.Min(),
            places.Keys.Max(),
            entries.Min(static e => e.At),
            entries.Max(static e => e.At)
        );
        await using var found = await events.ExecuteReaderAsync(cancel);
        while (await found.ReadAsync(cancel))
        {
            if (places.TryGetValue(found.GetInt64(0), out var place))
            {
                using var payload = JsonDocument.Parse(found.GetFieldValue<byte[]>(4));
                Mentions.Add(
                    found.GetString(1),
                    found.GetString(2),
                    found.GetString(3),
                    payload.RootElement,
                    entries[place].Things
                );
            }
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
        // In the order of the index: neighbours are written together. Two things may share a key, and then their entries.
        var mentions = new SortedDictionary<long, List<long>>();
        var keys = new Dictionary<string, List<long>>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            foreach (var thing in entry.Things)
            {
                if (!keys.TryGetValue(thing, out var places))
                {
                    var key = Mentions.KeyOf(thing);
                    if (!mentions.TryGetValue(key, out places))
                    {
                        mentions.Add(key, places = new List<long>(1));
                    }

                    keys.Add(thing, places);
                }

                if (places.Count == 0 || places[^1] != entry.Seq)
                {
                    places.Add(entry.Seq);
                }
            }
        }

        var rows = new CopyBuffer();
        rows.Begin();
        foreach (var (key, places) in mentions)
        {
            for (var i = 0; i < places.Count; i += RunLength)
            {
                var run = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(places)[i..];
                WriteRun(rows, key, run[..Math.Min(RunLength, run.Length)]);
            }
        }

        await rows.SendAsync(work, "audit.mention (thing, seq, more)", cancel);
    }

    private static void WriteRun(CopyBuffer rows, long key, ReadOnlySpan<long> places)
    {
        rows.Row(columns: 3);
        rows.Add(key);
        rows.Add(places[0]);
        if (places.Length == 1)
        {
            rows.Null();
            return;
        }

        Span<short> more = stackalloc short[RunLength - 1];
        for (var i = 1; i < places.Length; i++)
        {
            more[i - 1] = (short)(places[i] - places[0]);
        }

        rows.Add(more[..(places.Length - 1)]);
    }

    private readonly record struct Indexed(long Seq, DateTimeOffset At, HashSet<string> Things);
}
