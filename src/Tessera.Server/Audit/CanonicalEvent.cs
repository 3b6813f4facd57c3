using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace Tessera.Server.Audit;

/// <summary>
/// The document of an event that is hashed: its columns and payload as canonical JSON (RFC 8785). The SQL function
/// <c>audit.document</c> writes the same bytes, so that anyone can check the chain without this program.
/// </summary>
internal static class CanonicalEvent
{
    /// <summary>The columns <see cref="Write"/> reads, from alias <c>e</c>, in its order.</summary>
    public const string Columns =
        "e.actor, e.aggregateid, e.aggregatetype, e.correlation_id, e.created_at, e.id, e.payload::text, e.sequence, e.type";

    /// <summary>Writes the document of a row.</summary>
    /// <param name="row">Placed on the row.</param>
    /// <param name="first">Place of the first of <see cref="Columns"/>.</param>
    /// <param name="to">Emptied first.</param>
    public static void Write(NpgsqlDataReader row, int first, ArrayBufferWriter<byte> to)
    {
        to.ResetWrittenCount();
        using var json = new Utf8JsonWriter(to, CanonicalJson.Options);
        json.WriteStartObject();
        CanonicalJson.WriteText(json, "actor", row.GetString(first));
        CanonicalJson.WriteText(json, "aggregateid", row.GetString(first + 1));
        CanonicalJson.WriteText(json, "aggregatetype", row.GetString(first + 2));
        if (row.IsDBNull(first + 3))
        {
            json.WriteNull("correlation_id"u8);
        }
        else
        {
            CanonicalJson.WriteText(json, "correlation_id", row.GetString(first + 3));
        }

        json.WriteString("created_at"u8, InstantText(row.GetFieldValue<DateTimeOffset>(first + 4)));
        json.WriteString("id"u8, row.GetGuid(first + 5));
        json.WritePropertyName("payload"u8);
        using (var payload = JsonDocument.Parse(row.GetString(first + 6)))
        {
            CanonicalJson.WriteValue(json, payload.RootElement);
        }

        json.WriteNumber("sequence"u8, row.GetInt64(first + 7));
        CanonicalJson.WriteText(json, "type", row.GetString(first + 8));
        json.WriteEndObject();
    }

    private static string InstantText(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
