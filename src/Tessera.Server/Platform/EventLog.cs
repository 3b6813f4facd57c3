using System.Text.Json;
using NpgsqlTypes;

namespace Tessera.Server.Platform;

/// <summary>One entry of the log, as the room that caused it states it (A.17, AUD-01).</summary>
/// <param name="AggregateType">What changed: <c>coupon</c>, <c>instance</c>, <c>campaign</c>, <c>api_key</c>, …</param>
/// <param name="AggregateId">Its id as text.</param>
/// <param name="Type"><c>coupon.created</c>, <c>coupon.state_changed</c>, …</param>
/// <param name="Sequence">The version of the aggregate that this change made: increasing per aggregate.</param>
/// <param name="Actor">Who or what caused it: <c>key:…</c>, <c>rule:…</c>, <c>job:…</c>; never a personal name.</param>
/// <param name="Payload">JSON object of ids, integers and closed words; no personal data, no codes in full.</param>
/// <param name="CorrelationId">The request id or job id.</param>
public sealed record EventEntry(
    string AggregateType,
    string AggregateId,
    string Type,
    long Sequence,
    string Actor,
    string Payload,
    string? CorrelationId
);

/// <summary>Writes to <c>platform.event</c>, in the transaction of the change (convention 28).</summary>
public static class EventLog
{
    /// <summary>The one insert statement. Parameters are arrays, in the order of <see cref="Columns"/>.</summary>
    public const string InsertSql = """
        insert into platform.event
            (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::jsonb[],
            $8::text[], $9::timestamptz[])
        """;

    /// <summary>
    /// Joins the event <c>e</c> of each <c>audit.entry a</c>, one by one. Joined freely, the planner takes the three columns for
    /// independent, expects one row of all, and reads the whole log to find it.
    /// </summary>
    public const string OfEntry = """
        cross join lateral (
            select * from platform.event e
            where e.created_at = a.created_at and e.tx = a.tx and e.position = a.position offset 0
        ) e
        """;

    /// <summary>Appends the events of one change.</summary>
    /// <param name="work">The transaction of the change.</param>
    /// <param name="at">The database clock of the decision.</param>
    /// <param name="entries">In the order they happened.</param>
    /// <param name="cancel">Cancels before the statement is sent.</param>
    public static async Task AppendAsync(
        UnitOfWork work,
        DateTimeOffset at,
        IReadOnlyList<EventEntry> entries,
        CancellationToken cancel
    )
    {
        if (entries.Count == 0)
        {
            return;
        }

        await using var command = work.Command(InsertSql);
        foreach (var parameter in Columns(entries, at))
        {
            command.Parameters.Add(parameter);
        }

        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The parameters of <see cref="InsertSql"/>, for a batch that sends it with other statements.</summary>
    public static IEnumerable<Npgsql.NpgsqlParameter> Columns(IReadOnlyList<EventEntry> entries, DateTimeOffset at)
    {
        yield return Array(NpgsqlDbType.Uuid, entries, static _ => Guid.CreateVersion7());
        yield return Array(NpgsqlDbType.Text, entries, static e => e.AggregateType);
        yield return Array(NpgsqlDbType.Text, entries, static e => e.AggregateId);
        yield return Array(NpgsqlDbType.Text, entries, static e => e.Type);
        yield return Array(NpgsqlDbType.Bigint, entries, static e => e.Sequence);
        yield return Array(NpgsqlDbType.Text, entries, static e => e.Actor);
        yield return Array(NpgsqlDbType.Jsonb, entries, static e => e.Payload);
        yield return Array(NpgsqlDbType.Text, entries, static e => e.CorrelationId);
        yield return Array(NpgsqlDbType.TimestampTz, entries, _ => at);
    }

    /// <summary>A payload from names and plain values, with the members in the order given.</summary>
    public static string Payload(params ReadOnlySpan<(string Name, object? Value)> members)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                writer.WritePropertyName(name);
                JsonSerializer.Serialize(writer, value);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static Npgsql.NpgsqlParameter<T[]> Array<T>(
        NpgsqlDbType type,
        IReadOnlyList<EventEntry> entries,
        Func<EventEntry, T> column
    )
    {
        var values = new T[entries.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = column(entries[i]);
        }

        return new Npgsql.NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }
}
