using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Audit;

/// <summary>An entry of the sealed log.</summary>
/// <param name="Seq">Its place in the chain.</param>
/// <param name="At">The database clock of what happened.</param>
/// <param name="Actor">Who or what caused it.</param>
/// <param name="Type">What happened.</param>
/// <param name="Subject">What it happened to: its kind and id.</param>
/// <param name="Version">Counts the entries of its subject.</param>
/// <param name="CorrelationId">The request or job that caused it.</param>
/// <param name="Data">Before, after, reason and ids, by type.</param>
/// <param name="Hash">Its link of the chain, in hex.</param>
/// <param name="Permission">The right it was done by; null for jobs, tills, and when its time is over.</param>
/// <param name="Address">Where the request came from; null as well.</param>
/// <param name="Roles">In which roles the person acted; none for a key, null as well.</param>
internal sealed record AuditEntry(
    long Seq,
    DateTimeOffset At,
    string Actor,
    string Type,
    string Subject,
    long Version,
    string? CorrelationId,
    JsonElement Data,
    string Hash,
    string? Permission,
    string? Address,
    IReadOnlyList<string>? Roles
);

/// <summary>What is looked for; members that are null are not asked.</summary>
/// <param name="Actor">Who caused it.</param>
/// <param name="Subject">What it speaks of, as subject or in its data: kind and id.</param>
/// <param name="Type">What happened.</param>
/// <param name="From">The first instant.</param>
/// <param name="To">The first instant after.</param>
/// <param name="Text">Words that all have to be there, in any case.</param>
/// <param name="Descending">Newest first.</param>
internal sealed record AuditQuestion(
    string? Actor,
    string? Subject,
    string? Type,
    DateTimeOffset? From,
    DateTimeOffset? To,
    string? Text,
    bool Descending
);

/// <summary>What was found in one step.</summary>
/// <param name="Entries">In order.</param>
/// <param name="ScannedTo">The place up to which everything was looked at; null at the end of the log.</param>
internal sealed record AuditFound(List<AuditEntry> Entries, long? ScannedTo);

/// <summary>
/// Searches the sealed log (AUD-03). The rarest of subject, actor and type leads: its entries come from the index of
/// mentions, and the rest of the question is asked of each. A step looks at a bounded number of entries; a search for
/// words alone may take several.
/// </summary>
internal static class AuditSearch
{
    private const int BatchSize = 256;
    private const int MaximumScanned = 20_000;

    private static readonly TimeSpan MaximumTime = TimeSpan.FromSeconds(1);

    private const string EntrySql = $"""
        select a.seq, e.created_at, e.actor, e.type, e.aggregatetype || ':' || e.aggregateid, e.sequence, e.correlation_id,
            platform.spoken(e.payload), encode(a.hash, 'hex'), o.permission, host(o.address), o.roles
        from hit a
        {Platform.EventLog.OfEntry}
        left join lateral (
            select permission, address, roles from audit.request_origin o
            where o.correlation_id = e.correlation_id and o.actor = e.actor and o.at <= e.created_at + interval '1 second'
            order by o.at desc limit 1
        ) o on true
        """;

    private static readonly string LogAscending = Sql(LogHits, "asc");
    private static readonly string LogDescending = Sql(LogHits, "desc");
    private static readonly string HistoryAscending = Sql(IndexHits, "asc");
    private static readonly string HistoryDescending = Sql(IndexHits, "desc");

    private static string LogHits(string way) =>
        $"select * from audit.entry where seq between $1 and $2 order by seq {way} limit $3";

    /// <summary>
    /// The index first, and the rows of its hits only: a join that starts anywhere else reads the whole log. Runs of one
    /// thing do not overlap, so one more of them than entries are wanted holds them all, wherever the range cuts.
    /// </summary>
    private static string IndexHits(string way) =>
        $"""
            select a.* from (
                select distinct e.seq from unnest($4::bigint[]) k (thing)
                cross join lateral (
                    select m.seq, m.more from audit.mention m
                    where m.thing = k.thing and m.seq between $1 - {Indexer.StepSize - 1} and $2
                        and m.seq + coalesce(m.more[cardinality(m.more)], 0) >= $1
                    order by m.seq {way} limit $3 + 1
                ) m
                cross join lateral (select m.seq union all select m.seq + o from unnest(m.more) o) e (seq)
                where e.seq between $1 and $2 order by e.seq {way} limit $3
            ) hit
            cross join lateral (select * from audit.entry a where a.seq = hit.seq) a
            """;

    private static string Sql(Func<string, string> hits, string way) =>
        $"with hit as materialized ({hits(way)}) {EntrySql} order by a.seq {way}";

    /// <summary>One step of a search.</summary>
    /// <param name="work">A transaction to read in.</param>
    /// <param name="question">What is looked for.</param>
    /// <param name="after">The place after which it goes on; null for the beginning.</param>
    /// <param name="limit">Most entries.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<AuditFound> FindAsync(
        UnitOfWork work,
        AuditQuestion question,
        long? after,
        int limit,
        CancellationToken cancel
    )
    {
        var found = new List<AuditEntry>(limit);
        var (low, high) = await SpanAsync(work, question.From, question.To, cancel);
        var place = after;
        var scanned = 0;
        var watch = Stopwatch.StartNew();
        var unit = UnitOf(question.Subject);
        var things = await LeadAsync(work, question, unit, cancel);
        var words = question.Text?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

        // Pages of a history ask for little more than they show; a search with conditions left to check asks for more.
        var isExact = words.Length == 0 && question is { Actor: null, Type: null };
        var size = isExact ? limit + 1 : BatchSize;
        while (true)
        {
            var batch = await BatchAsync(work, things, low, high, place, question.Descending, size, cancel);
            foreach (var entry in batch)
            {
                scanned++;
                if (found.Count == limit)
                {
                    return new AuditFound(found, place);
                }

                place = entry.Seq;
                if (Fits(entry, question, unit, words))
                {
                    found.Add(entry);
                }
            }

            if (batch.Count < size)
            {
                return new AuditFound(found, null);
            }

            if (scanned >= MaximumScanned || watch.Elapsed > MaximumTime)
            {
                return new AuditFound(found, place);
            }
        }
    }

    /// <summary>How far the chain is sealed and the index of mentions has come.</summary>
    public static async Task<(long Sealed, long Indexed)> ReachAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var command = work.Command("select s.seq, i.seq from audit.seal s cross join audit.indexed i");
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>The keys of the index that lead the search; empty when the log itself is walked.</summary>
    private static async Task<long[]> LeadAsync(
        UnitOfWork work,
        AuditQuestion question,
        long? unit,
        CancellationToken cancel
    )
    {
        if (question.Subject is { } subject)
        {
            return unit is { } id
                ? [Mentions.KeyOf(subject), Mentions.KeyOf(Mentions.BlockOf(id))]
                : [Mentions.KeyOf(subject)];
        }

        List<string> leads = [];
        if (question.Actor is { } actor)
        {
            leads.Add("actor:" + actor);
        }

        if (question.Type is { } type)
        {
            leads.Add("type:" + type);
        }

        if (leads.Count < 2)
        {
            return [.. leads.Select(Mentions.KeyOf)];
        }

        // Whichever has fewer entries leads; counting stops early.
        await using var command = work.Command(
            """
            select k.thing from unnest($1::bigint[]) as k (thing)
            order by (select sum(1 + coalesce(cardinality(more), 0)) from
                (select more from audit.mention m where m.thing = k.thing limit 200) few) nulls first limit 1
            """,
            leads.Select(Mentions.KeyOf).ToArray()
        );
        return [(long)(await command.ExecuteScalarAsync(cancel))!];
    }

    private static async Task<List<AuditEntry>> BatchAsync(
        UnitOfWork work,
        long[] things,
        long low,
        long high,
        long? place,
        bool descending,
        int size,
        CancellationToken cancel
    )
    {
        var (from, to) = descending ? (low, place - 1 ?? high) : (place + 1 ?? low, high);
        await using var command = work.Command(
            (things.Length == 0, descending) switch
            {
                (true, true) => LogDescending,
                (true, false) => LogAscending,
                (false, true) => HistoryDescending,
                (false, false) => HistoryAscending,
            },
            from,
            to,
            (long)size
        );
        if (things.Length > 0)
        {
            command.Parameters.Add(new() { Value = things });
        }

        var entries = new List<AuditEntry>(size);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            entries.Add(Read(rows));
        }

        return entries;
    }

    /// <summary>The places between which a period lies: those of the spans that touch it, and what is not indexed yet.</summary>
    public static async Task<(long Low, long High)> SpanAsync(
        UnitOfWork work,
        DateTimeOffset? from,
        DateTimeOffset? to,
        CancellationToken cancel
    )
    {
        if (from is null && to is null)
        {
            return (1, long.MaxValue - 1);
        }

        await using var command = work.Command(
            """
            select coalesce(min(first_seq), i.seq + 1),
                -- What a long transaction wrote is sealed later than it happened; none takes a day.
                case when $2 is null
                        or (select max(last_at) from audit.span where last_seq = i.seq) < $2 + interval '1 day'
                    then 9223372036854775806 else greatest(max(last_seq), i.seq) end
            from audit.indexed i left join audit.span s
                on ($1 is null or s.last_at >= $1) and ($2 is null or s.first_at < $2)
            group by i.seq
            """,
            At(from),
            At(to)
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    private static bool Fits(AuditEntry entry, AuditQuestion question, long? unit, string[] words)
    {
        if (
            (question.Actor is { } actor && entry.Actor != actor)
            || (question.Type is { } type && entry.Type != type)
            || (question.From is { } from && entry.At < from)
            || (question.To is { } to && entry.At >= to)
        )
        {
            return false;
        }

        if (
            question.Subject is { } subject
            && entry.Subject != subject
            && !(unit is { } id && Mentions.Concerns(entry.Data, id))
            && !Mentions.Of(entry.Subject, entry.Actor, entry.Type, entry.Data).Contains(subject)
            && !subject.StartsWith("account:", StringComparison.Ordinal)
        )
        {
            // Another thing of the same 64 bits, or another unit of the block.
            return false;
        }

        var data = words.Length == 0 ? "" : entry.Data.GetRawText();
        return words.All(word =>
            data.Contains(word, StringComparison.OrdinalIgnoreCase)
            || entry.Subject.Contains(word, StringComparison.OrdinalIgnoreCase)
            || entry.Type.Contains(word, StringComparison.OrdinalIgnoreCase)
            || entry.Actor.Contains(word, StringComparison.OrdinalIgnoreCase)
            || (entry.CorrelationId?.Contains(word, StringComparison.OrdinalIgnoreCase) ?? false)
        );
    }

    private static long? UnitOf(string? subject) =>
        subject?.StartsWith("instance:", StringComparison.Ordinal) == true
        && long.TryParse(
            subject.AsSpan("instance:".Length),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var unit
        )
            ? unit
            : null;

    private static AuditEntry Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetFieldValue<DateTimeOffset>(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            row.GetInt64(5),
            row.Object<string>(6),
            JsonDocument.Parse(row.GetString(7)).RootElement,
            row.GetString(8),
            row.Object<string>(9),
            row.Object<string>(10),
            row.Object<string[]>(11)
        );

    private static NpgsqlParameter At(DateTimeOffset? at) =>
        new() { Value = at ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
