using System.Globalization;
using System.Text;
using System.Text.Json;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>Changes of fields as JSON: as patches of rows, as events, as results for people.</summary>
internal static class BulkJson
{
    /// <summary>An object of columns with their values after a change, or before it.</summary>
    public static string Patch(IReadOnlyList<BulkFieldChange> changes, bool before) =>
        Text(json =>
        {
            json.WriteStartObject();
            foreach (var change in changes)
            {
                json.WritePropertyName(change.Field);
                Value(json, before ? change.Before : change.After);
            }

            json.WriteEndObject();
        });

    /// <summary>The type of the event of a patch.</summary>
    public static string EventTypeOf(IReadOnlyList<BulkFieldChange> changes) =>
        changes switch
        {
            [{ Field: "deleted_at", After: null }] => "coupon.restored",
            [{ Field: "deleted_at" }] => "coupon.deleted",
            [{ Field: "is_active", After: true }] => "coupon.activated",
            [{ Field: "is_active" }] => "coupon.deactivated",
            _ => "coupon.updated",
        };

    /// <summary>What the log tells of one coupon of a bulk change: before and after of each field (CPN-09).</summary>
    public static string Event(Guid plan, bool isUndo, BulkWrite write, EventWords words)
    {
        using var after = JsonDocument.Parse(write.Patch);
        using var before = JsonDocument.Parse(write.Before);
        return Text(json =>
        {
            json.WriteStartObject();
            json.WriteString(isUndo ? "undo_of" : "bulk_id", plan);
            foreach (var field in after.RootElement.EnumerateObject())
            {
                if (field.Name is "is_active" or "deleted_at" or "code")
                {
                    continue;
                }

                string? Told(JsonElement value) => CouponRow.Told(field.Name, Plain(value), words);
                json.WriteStartObject(field.Name);
                if (before.RootElement.TryGetProperty(field.Name, out var was))
                {
                    json.WriteString("before"u8, Told(was));
                }

                json.WriteString("after"u8, Told(field.Value));
                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    /// <summary>A value for people and results: null, or its text.</summary>
    public static string? Plain(object? value) =>
        value switch
        {
            null => null,
            DateTimeOffset at => Instants.Format(at),
            bool flag => flag ? "true" : "false",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString(),
        };

    private static string? Plain(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String when value.ValueEquals("infinity") => null,
            JsonValueKind.String => value.GetString(),
            _ => value.GetRawText(),
        };

    private static void Value(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case DateTimeOffset at:
                json.WriteStringValue(Instants.Format(at) ?? "infinity");
                break;
            case int or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteStringValue(value.ToString());
                break;
        }
    }

    private static string Text(Action<Utf8JsonWriter> write) => Encoding.UTF8.GetString(JsonOut.Bytes(write).Span);
}
