using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>
/// Writes prices member by member into a buffer of the thread and from there to the connection: a quote on every keystroke
/// is written often. What comes out is what <see cref="Wire"/> would write of <see cref="QuoteAnswer"/>.
/// </summary>
internal static class QuoteWriting
{
    /// <summary>A buffer that grew beyond this is not kept.</summary>
    private const int MaximumKept = 256 * 1024;

    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? _kept;

    /// <summary>Sends a price.</summary>
    public static async Task SendAsync(HttpContext context, QuoteAnswer answer)
    {
        Put(context.Response, answer);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static void Put(HttpResponse response, QuoteAnswer answer)
    {
        // Taken until it is whole again: what fails in the middle is not kept.
        var (buffer, json) = _kept ?? Make();
        _kept = null;
        Write(json, answer);
        json.Flush();
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = Wire.MediaType;
        response.ContentLength = buffer.WrittenCount;
        response.BodyWriter.Write(buffer.WrittenSpan);
        if (buffer.Capacity <= MaximumKept)
        {
            buffer.ResetWrittenCount();
            json.Reset(buffer);
            _kept = (buffer, json);
        }
    }

    private static (ArrayBufferWriter<byte>, Utf8JsonWriter) Make()
    {
        var buffer = new ArrayBufferWriter<byte>(8 * 1024);
        var options = new JsonWriterOptions { Encoder = Wire.Json.Encoder, SkipValidation = true };
        return (buffer, new Utf8JsonWriter(buffer, options));
    }

    /// <summary>Writes a price.</summary>
    public static void Write(Utf8JsonWriter json, QuoteAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(answer);
        json.WriteStartObject();
        json.WriteString("at"u8, Instants.Format(answer.At));
        json.WriteString("currency"u8, answer.Currency);
        json.WriteNumber("subtotal"u8, answer.Subtotal);
        json.WriteNumber("discount"u8, answer.Discount);
        json.WriteNumber("payable"u8, answer.Payable);
        json.WriteNumber("tax"u8, answer.Tax);
        json.WriteNumber("payable_with_tax"u8, answer.PayableWithTax);
        json.WriteStartArray("lines"u8);
        foreach (var line in answer.Lines)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, line.Id);
            json.WriteNumber("amount"u8, line.Amount);
            json.WriteNumber("line_discount"u8, line.LineDiscount);
            json.WriteNumber("order_discount"u8, line.OrderDiscount);
            json.WriteNumber("payable"u8, line.Payable);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("shipping"u8);
        foreach (var delivery in answer.Shipping)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, delivery.Id);
            json.WriteNumber("amount"u8, delivery.Amount);
            json.WriteNumber("discount"u8, delivery.Discount);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("applied"u8);
        foreach (var applied in answer.Applied)
        {
            json.WriteStartObject();
            json.WriteString("promotion_id"u8, applied.PromotionId);
            json.WriteNumber("version"u8, applied.Version);
            json.WriteNumber("discount"u8, applied.Discount);
            WriteGiven(json, "code"u8, applied.Code);
            WriteFallback(json, applied.FallbackFor);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("rejected"u8);
        foreach (var rejected in answer.Rejected)
        {
            Write(json, rejected);
        }

        json.WriteEndArray();
        if (answer.IsBest is { } best)
        {
            json.WriteBoolean("is_best"u8, best);
        }

        if (answer.Receipt is { } receipt)
        {
            json.WritePropertyName("receipt"u8);
            JsonSerializer.Serialize(json, receipt, Wire.Json);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, QuoteRejection rejected)
    {
        json.WriteStartObject();
        json.WriteString("reason"u8, rejected.Reason);
        WriteGiven(json, "code"u8, rejected.Code);
        WriteGiven(json, "promotion_id"u8, rejected.PromotionId);
        WriteGiven(json, "layer"u8, rejected.Layer);
        if (rejected.Change is { } change)
        {
            Problems.WriteChange(json, new Remedy(change.Kind, change.Amount ?? 0, change.At, change.Subject));
        }

        json.WriteEndObject();
    }

    /// <summary>Writes what an applied promotion stands in for, as the member <c>fallback_for</c>.</summary>
    public static void WriteFallback(Utf8JsonWriter json, FallbackFor? primary)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (primary is not null)
        {
            json.WriteStartObject("fallback_for"u8);
            json.WriteString("promotion_id"u8, primary.PromotionId);
            json.WriteString("reason"u8, primary.Reason);
            json.WriteEndObject();
        }
    }

    private static void WriteGiven(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
