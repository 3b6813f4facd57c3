using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>The body of a request: bytes as received, and the JSON object they hold.</summary>
/// <param name="Bytes">As received; what an idempotency key is bound to.</param>
/// <param name="Json">The object.</param>
public sealed record RequestBody(ReadOnlyMemory<byte> Bytes, JsonElement Json)
{
    /// <summary>The deepest nesting that is read (convention 1).</summary>
    public const int MaximumDepth = 32;

    /// <summary>The largest JSON body (convention 1).</summary>
    public const int MaximumBytes = 1024 * 1024;

    /// <summary>The media type of a merge patch.</summary>
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>The refusal of a body of another type.</summary>
    public static readonly Refusal Unsupported = new(
        "unsupported_media_type",
        "This resource takes application/json in UTF-8; PATCH takes application/merge-patch+json too.",
        RefusalKind.UnsupportedMedia
    );

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaximumDepth };

    /// <summary>Reads a body; where it cannot be, the caller has been answered.</summary>
    /// <param name="context">The request.</param>
    /// <param name="first">Refuses the request whatever its body is; null does not.</param>
    /// <returns>Null once a problem was answered.</returns>
    public static async ValueTask<RequestBody?> TakeAsync(HttpContext context, Refusal? first = null)
    {
        var (body, refusal) = first is null ? await ReadAsync(context) : (null, first);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
        }

        return body;
    }

    /// <summary>Reads and parses a body that has to be one JSON object.</summary>
    /// <remarks>PATCH takes a merge patch (RFC 7396) as well, under either media type.</remarks>
    /// <returns>The body, or why it cannot be read.</returns>
    public static async ValueTask<(RequestBody? Body, Refusal? Refusal)> ReadAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var type = context.Request.ContentType;
        if (
            !IsOfType(type, Wire.MediaType)
            && !(HttpMethods.IsPatch(context.Request.Method) && IsOfType(type, MergePatch))
        )
        {
            return (null, Unsupported);
        }

        if (context.Request.ContentLength > MaximumBytes)
        {
            return (null, TooLarge);
        }

        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > MaximumBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return (null, TooLarge);
            }

            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return Parse(bytes);
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>The refusal of a body beyond its bound.</summary>
    public static Refusal TooLarge { get; } =
        new("body_too_large", "The body is larger than this resource takes.", RefusalKind.TooLarge);

    /// <summary>Parses bytes that have to be one JSON object.</summary>
    public static (RequestBody? Body, Refusal? Refusal) Parse(ReadOnlyMemory<byte> bytes)
    {
        if (!Utf8.IsValid(bytes.Span))
        {
            return (null, Malformed("The body is not valid UTF-8."));
        }

        try
        {
            // The document is garbage-collected instead of disposed: it rents nothing large and outlives this call.
            var json = JsonDocument.Parse(bytes, Options).RootElement;
            return json.ValueKind == JsonValueKind.Object
                ? (new RequestBody(bytes, json), null)
                : (null, Malformed("The body has to be a JSON object."));
        }
        catch (JsonException error)
        {
            if (DepthFault.Of(bytes.Span, MaximumDepth) is { } deep)
            {
                return (null, Problems.Invalid([deep]));
            }

            var line = (error.LineNumber ?? 0) + 1;
            var place = (error.BytePositionInLine ?? 0) + 1;
            return (
                null,
                Malformed(
                    bytes.IsEmpty
                        ? "The body is empty; it has to be a JSON object."
                        : $"The body is not JSON at line {line}, byte {place}."
                )
            );
        }
    }

    private static readonly Refusal NotJson = new(
        "malformed_json",
        "The body is not one JSON object in UTF-8.",
        RefusalKind.Invalid
    );

    private static Refusal Malformed(string message) => NotJson with { Message = message };

    private static bool IsOfType(string? contentType, string mediaType)
    {
        if (contentType is null)
        {
            return false;
        }

        // As nearly everybody writes it.
        if (string.Equals(contentType, mediaType, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var parts = contentType.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parts.Length > 0
            && string.Equals(parts[0], mediaType, StringComparison.OrdinalIgnoreCase)
            && parts
                .Skip(1)
                .All(static p =>
                    !p.StartsWith("charset=", StringComparison.OrdinalIgnoreCase)
                    || p[8..].Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                );
    }
}
