using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tessera.Core;
using Tessera.Core.Promotions;

namespace Tessera.Server.Platform.Http;

/// <summary>Refusals as RFC 9457 problem documents (conventions 10 and 11): the one place that makes them.</summary>
public static class Problems
{
    /// <summary>The media type of every 4xx and 5xx body.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>Prefix of every problem type; the rest is the code.</summary>
    public const string TypePrefix = "urn:tessera:problem:";

    /// <summary>The type of a refusal beyond a rate limit (draft-ietf-httpapi-ratelimit-headers).</summary>
    private const string QuotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded";

    /// <summary>The document of a refusal as it is sent.</summary>
    /// <param name="refusal">Why not.</param>
    /// <param name="instance">Path of the request.</param>
    /// <param name="requestId">Its correlation id.</param>
    public static (int Status, byte[] Body) Render(Refusal refusal, string instance, string requestId) =>
        Render(refusal, instance, requestId, null);

    private static (int Status, byte[] Body) Render(Refusal refusal, string instance, string requestId, string? policy)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        var status = StatusOf(refusal.Kind);
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, policy is null ? TypePrefix + refusal.Code : QuotaExceeded);
            json.WriteString("title"u8, TitleOf(refusal.Kind));
            json.WriteNumber("status"u8, status);
            json.WriteString("detail"u8, refusal.Message);
            json.WriteString("instance"u8, instance);
            json.WriteString("code"u8, refusal.Code);
            json.WriteString("request_id"u8, requestId);
            if (policy is not null)
            {
                json.WriteStartArray("violated-policies"u8);
                json.WriteStringValue(policy);
                json.WriteEndArray();
            }

            WriteParams(json, refusal.Params);
            WriteChange(json, refusal.Change);
            if (refusal.Errors is { Count: > 0 } errors)
            {
                json.WriteStartArray("errors"u8);
                foreach (var error in errors)
                {
                    json.WriteStartObject();
                    json.WriteString("field"u8, error.Field);
                    if (error.Pointer.Length > 0)
                    {
                        json.WriteString("pointer"u8, error.Pointer);
                    }

                    json.WriteString("code"u8, error.Code);
                    json.WriteString("message"u8, error.Message);
                    WriteParams(json, error.Params);
                    WriteChange(json, error.Change);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return (status, buffer.WrittenSpan.ToArray());
    }

    /// <summary>Writes the values of a sentence as the member <c>params</c>; nothing where there are none.</summary>
    private static void WriteParams(Utf8JsonWriter json, IReadOnlyDictionary<string, object>? values)
    {
        if (values is not null)
        {
            json.WritePropertyName("params"u8);
            JsonSerializer.Serialize(json, values, Wire.Json);
        }
    }

    /// <summary>Writes what would make a refusal pass, as the member <c>change</c>; nothing where there is nothing.</summary>
    public static void WriteChange(Utf8JsonWriter json, Remedy? change)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (change is null)
        {
            return;
        }

        json.WriteStartObject("change"u8);
        json.WriteString("kind"u8, change.Kind);
        if (change.Amount > 0)
        {
            json.WriteNumber("amount"u8, change.Amount);
        }

        if (change.At is { } at)
        {
            json.WriteString("at"u8, Instants.Format(at));
        }

        if (change.Subject is { } subject)
        {
            json.WriteString("subject"u8, subject);
        }

        json.WriteEndObject();
    }

    /// <summary>An answer that refuses.</summary>
    public static IResult Of(Refusal refusal) => new ProblemAnswer(refusal);

    /// <summary>Bad input: all bad fields at once.</summary>
    public static Refusal Invalid(IReadOnlyList<FieldError> errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        return errors.Count == 1
            ? new("invalid_request", "The request has a bad field.", RefusalKind.Invalid, errors)
            : new("invalid_request", $"The request has {errors.Count:count} bad fields.", RefusalKind.Invalid, errors);
    }

    /// <summary>
    /// Sends a refusal as the answer to a request that has none yet, and keeps it as a feature of the request, for whoever
    /// logs refusals.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="refusal">Why not.</param>
    /// <param name="policy">The rate limit that was exceeded, where one was.</param>
    public static Task WriteAsync(HttpContext context, Refusal refusal, string? policy = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Features.Set(refusal);
        var (status, body) = Render(refusal, context.Request.Path.Value ?? "/", RequestIds.Of(context), policy);
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = MediaType;
        response.ContentLength = body.Length;
        if (refusal.Kind == RefusalKind.Unavailable || refusal.Code == "idempotency_key_in_progress")
        {
            response.Headers.RetryAfter = "1";
        }

        if (refusal.Kind == RefusalKind.Unauthenticated)
        {
            response.Headers.WWWAuthenticate = "Bearer realm=\"tessera\"";
        }

        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>The status of a kind of refusal (convention 11).</summary>
    public static int StatusOf(RefusalKind kind) =>
        kind switch
        {
            RefusalKind.Invalid => 400,
            RefusalKind.Unauthenticated => 401,
            RefusalKind.Forbidden => 403,
            RefusalKind.NotFound => 404,
            RefusalKind.MethodNotAllowed => 405,
            RefusalKind.Conflict => 409,
            RefusalKind.Stale => 412,
            RefusalKind.TooLarge => 413,
            RefusalKind.UnsupportedMedia => 415,
            RefusalKind.KeyReused => 422,
            RefusalKind.PreconditionRequired => 428,
            RefusalKind.TooManyRequests => 429,
            RefusalKind.Unavailable => 503,
            _ => 500,
        };

    internal static string TitleOf(RefusalKind kind) =>
        kind switch
        {
            RefusalKind.Invalid => "Invalid request",
            RefusalKind.Unauthenticated => "Not signed in",
            RefusalKind.Forbidden => "Not allowed",
            RefusalKind.NotFound => "Not found",
            RefusalKind.MethodNotAllowed => "Method not allowed",
            RefusalKind.Conflict => "Refused",
            RefusalKind.Stale => "Changed meanwhile",
            RefusalKind.TooLarge => "Too large",
            RefusalKind.UnsupportedMedia => "Unsupported media type",
            RefusalKind.KeyReused => "Idempotency key reused",
            RefusalKind.PreconditionRequired => "Precondition required",
            RefusalKind.TooManyRequests => "Too many requests",
            RefusalKind.Unavailable => "Unavailable",
            _ => "Internal error",
        };

    private sealed class ProblemAnswer(Refusal refusal) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, refusal);
    }
}
