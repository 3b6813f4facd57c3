using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>How values look on the wire: snake_case members, money in minor units, instants in UTC (conventions 1 to 3).</summary>
public static class Wire
{
    /// <summary>The media type of every answer that is not a problem.</summary>
    public const string MediaType = "application/json";

    /// <summary>For answers. Requests are read by <see cref="Fields"/>, which tells of all errors at once.</summary>
    public static JsonSerializerOptions Json { get; } =
        Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    private static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.Encoder = JavaScriptEncoder.Create(UnicodeRanges.All);
        options.AllowDuplicateProperties = false;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.MaxDepth = RequestBody.MaximumDepth;
        options.Converters.Add(new InstantConverter());
        options.Converters.Add(new MoneyConverter());
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private sealed class InstantConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(
            ref Utf8JsonReader reader,
            Type typeToConvert,
            JsonSerializerOptions options
        ) =>
            reader.TokenType == JsonTokenType.String && Instants.TryParse(reader.GetString()!, out var at)
                ? at
                : throw new JsonException("Not an RFC 3339 instant with its offset.");

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        {
            if (Instants.Format(value) is { } text)
            {
                writer.WriteStringValue(text);
            }
            else
            {
                writer.WriteNullValue();
            }
        }
    }

    private sealed class MoneyConverter : JsonConverter<Money>
    {
        public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            var json = document.RootElement;
            return
                json.ValueKind == JsonValueKind.Object
                && json.TryGetProperty("amount", out var amount)
                && amount.TryGetInt64(out var minor)
                && json.TryGetProperty("currency", out var currency)
                && currency.ValueKind == JsonValueKind.String
                ? new Money(minor, currency.GetString()!)
                : throw new JsonException("Not an amount in minor units with its currency.");
        }

        public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            writer.WriteNumber("amount"u8, value.Minor);
            writer.WriteString("currency"u8, value.Currency);
            writer.WriteEndObject();
        }
    }
}
