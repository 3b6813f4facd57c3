using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>Optional members of a case: absent and null mean the same.</summary>
internal static class JsonReading
{
    public static JsonElement Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : default;

    public static bool Has(this JsonElement json, string name) =>
        json.Member(name).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public static string? Text(this JsonElement json, string name) =>
        json.Has(name) ? json.Member(name).GetString() : null;

    public static int? Number(this JsonElement json, string name) =>
        json.Has(name) ? json.Member(name).GetInt32() : null;

    public static long? Minor(this JsonElement json, string name) =>
        json.Has(name) ? json.Member(name).GetInt64() : null;

    public static decimal? Exact(this JsonElement json, string name) =>
        json.Has(name) ? json.Member(name).GetDecimal() : null;

    public static bool Flag(this JsonElement json, string name) => json.Member(name).ValueKind == JsonValueKind.True;

    public static DateTimeOffset? Instant(this JsonElement json, string name) =>
        json.Has(name) ? json.Member(name).GetDateTimeOffset() : null;

    public static IReadOnlyList<string>? Texts(this JsonElement json) =>
        json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray().Select(item => item.GetString()!)] : null;

    public static IEnumerable<T> List<T>(this JsonElement json, Func<JsonElement, T> read) =>
        json.ValueKind == JsonValueKind.Array ? json.EnumerateArray().Select(read) : [];
}
