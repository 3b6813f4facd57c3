using System.Text;
using System.Text.Json;
using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>An event of the log as it leaves the house: CloudEvents 1.0 in structured JSON (convention 22).</summary>
/// <param name="Id">The same wherever it is sent.</param>
/// <param name="Type">What happened.</param>
/// <param name="Body">At most <see cref="MaximumBody"/> bytes.</param>
internal sealed record CloudEvent(Guid Id, string Type, ReadOnlyMemory<byte> Body)
{
    /// <summary>Beyond this, the data is left out and can be had from the log by its place.</summary>
    public const int MaximumBody = 20_000;

    public const string MediaType = "application/cloudevents+json";

    private const string Source = "urn:tessera";

    /// <summary>Columns of <see cref="Read"/>, of <c>audit.entry a</c> and <c>platform.event e</c>.</summary>
    public const string Columns =
        "a.seq, e.id, e.type, e.aggregatetype || ':' || e.aggregateid, e.sequence, e.correlation_id, e.created_at, e.payload::text";

    /// <summary>Where these are.</summary>
    public const string From = $"audit.entry a {EventLog.OfEntry}";

    /// <summary>An event of a row.</summary>
    /// <param name="row">Of <see cref="Columns"/>.</param>
    /// <param name="at">The first of them.</param>
    /// <param name="hidden">Members of the data that its receiver may not see.</param>
    public static CloudEvent Read(NpgsqlDataReader row, int at = 0, HiddenMembers? hidden = null)
    {
        var payload = row.GetString(at + 7);
        var seq = row.GetInt64(at);
        var id = row.GetGuid(at + 1);
        var type = row.GetString(at + 2);
        ReadOnlyMemory<byte> Write(string? data) =>
            JsonOut.Bytes(json =>
            {
                json.WriteStartObject();
                json.WriteString("specversion"u8, "1.0"u8);
                json.WriteString("id"u8, id);
                json.WriteString("source"u8, Source);
                json.WriteString("type"u8, type);
                json.WriteString("subject"u8, row.GetString(at + 3));
                json.WriteString("time"u8, Instants.Format(row.GetFieldValue<DateTimeOffset>(at + 6)));
                json.WriteString("datacontenttype"u8, "application/json"u8);
                json.WriteString("dataschema"u8, $"{Source}:event:{type}:1");
                json.WriteNumber("sequence"u8, row.GetInt64(at + 4));
                json.WriteNumber("seq"u8, seq);
                if (!row.IsDBNull(at + 5))
                {
                    json.WriteString("correlationid"u8, row.GetString(at + 5));
                }

                if (data is null)
                {
                    json.WriteBoolean("dataomitted"u8, true);
                }
                else
                {
                    json.WritePropertyName("data"u8);
                    json.WriteRawValue(data);
                }

                json.WriteEndObject();
            });
        if (hidden is not null)
        {
            payload = Encoding.UTF8.GetString(hidden.Without(Encoding.UTF8.GetBytes(payload)).Span);
        }

        var body = Write(payload);
        return new CloudEvent(id, type, body.Length <= MaximumBody ? body : Write(null));
    }
}
