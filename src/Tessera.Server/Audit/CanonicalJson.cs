using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tessera.Server.Audit;

/// <summary>Canonical JSON (RFC 8785) of the values we keep: text, integers, flags, null, lists, objects.</summary>
internal static class CanonicalJson
{
    /// <summary>RFC 8785 escapes quotes, backslashes and control characters only.</summary>
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The bytes of a value.</summary>
    public static ReadOnlyMemory<byte> Bytes(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            WriteValue(json, value);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Writes a value with its members in order.</summary>
    public static void WriteValue(Utf8JsonWriter json, JsonElement value)
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

    /// <summary>Writes a member that is text.</summary>
    public static void WriteText(Utf8JsonWriter json, string name, string text)
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
