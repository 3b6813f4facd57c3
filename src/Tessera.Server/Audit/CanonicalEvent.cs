using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
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

    // RFC 8785 escapes quotes, backslashes and control characters only.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the document of a row.</summary>
    /// <param name="row">Placed on the row.</param>
    /// <param name="first">Place of the first of <see cref="Columns"/>.</param>
    /// <param name="to">Emptied first.</param>
    public static void Write(NpgsqlDataReader row, int first, ArrayBufferWriter<byte> to)
    {
        to.ResetWrittenCount();
        using var json = new Utf8JsonWriter(to, Options);
        json.WriteStartObject();
        WriteText(json, "actor", row.GetString(first));
        WriteText(json, "aggregateid", row.GetString(first + 1));
        WriteText(json, "aggregatetype", row.GetString(first + 2));
        if (row.IsDBNull(first + 3))
        {
            json.WriteNull("correlation_id"u8);
        }
        else
        {
            WriteText(json, "correlation_id", row.GetString(first + 3));
        }

        json.WriteString("created_at"u8, InstantText(row.GetFieldValue<DateTimeOffset>(first + 4)));
        json.WriteString("id"u8, row.GetGuid(first + 5));
        json.WritePropertyName("payload"u8);
        using (var payload = JsonDocument.Parse(row.GetString(first + 6)))
        {
            WriteValue(json, payload.RootElement);
        }

        json.WriteNumber("sequence"u8, row.GetInt64(first + 7));
        WriteText(json, "type", row.GetString(first + 8));
        json.WriteEndObject();
    }

    private static string InstantText(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static void WriteValue(Utf8JsonWriter json, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(static m => m.Name, StringComparer.Ordinal))
                {
                    json.WritePropertyName(member.Name);
                    WriteValue(json, member.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var element in value.EnumerateArray())
                {
                    WriteValue(json, element);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteRawValue(Quoted(value.GetString()!), skipInputValidation: true);
                break;
            default:
                json.WriteRawValue(value.GetRawText());
                break;
        }
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(Quoted(text), skipInputValidation: true);
    }

    /// <summary>RFC 8785, 3.2.2.2: two-character escapes where there are some, else lower-case \u00xx.</summary>
    private static string Quoted(string text)
    {
        var needsEscape = text.AsSpan().ContainsAnyExceptInRange(' ', '\uffff') || text.AsSpan().ContainsAny('"', '\\');
        if (!needsEscape)
        {
            return $"\"{text}\"";
        }

        var quoted = new System.Text.StringBuilder(text.Length + 8).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\b' => quoted.Append("\\b"),
                '\f' => quoted.Append("\\f"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' => quoted.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
