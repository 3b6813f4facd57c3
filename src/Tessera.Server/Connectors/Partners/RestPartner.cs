using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Connectors.Partners;

/// <summary>
/// A partner with a REST API. Every call is signed by Standard Webhooks and carries its idempotency key; only a 2xx with
/// a readable answer, or none, is a success (convention 24).
/// </summary>
internal sealed class RestPartner(Egress egress, TimeProvider clock) : IPartner
{
    private const int ExcerptLength = 1024;

    public async Task<PartnerAnswer> TellAsync(Target target, Message message, CancellationToken cancel)
    {
        var dialect = Dialect.Of(target.Connector.Kind);
        var (answer, failure) = await CallAsync(
            target,
            dialect,
            dialect.PathOf(message.Kind),
            message.Key,
            dialect.Encode(message),
            cancel
        );
        return failure ?? Judge(answer!.Value.Answer, answer.Value.Took, target.Connector.Acknowledgement);
    }

    public async Task<(IReadOnlyList<long>? Usable, string? Reason)> QueryAsync(
        Target target,
        IReadOnlyList<long> ids,
        CancellationToken cancel
    )
    {
        var dialect = Dialect.Of(target.Connector.Kind);
        var body = JsonOut.Bytes(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("ids"u8);
            foreach (var id in ids)
            {
                json.WriteNumberValue(id);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
        var key = "q-" + Guid.CreateVersion7();
        var (answer, failure) = await CallAsync(target, dialect, dialect.QueryPath, key, body, cancel);
        if (failure is not null)
        {
            return (null, failure.Reason);
        }

        var (given, _) = answer!.Value;
        if (
            given.Status is < 200 or >= 300
            || !given.IsWhole
            || Parse(given.Body) is not { } json
            || !json.TryGetProperty("usable", out var usable)
            || usable.ValueKind != JsonValueKind.Array
        )
        {
            return (null, given.Status is < 200 or >= 300 ? ReasonOf(given.Status) : "unreadable_answer");
        }

        var known = ids.ToHashSet();
        return (
            [
                .. usable
                    .EnumerateArray()
                    .Select(static u => u.ValueKind == JsonValueKind.Number && u.TryGetInt64(out var id) ? id : 0)
                    .Where(known.Contains),
            ],
            null
        );
    }

    private async Task<((OutboundAnswer Answer, TimeSpan Took)? Answer, PartnerAnswer? Failure)> CallAsync(
        Target target,
        Dialect dialect,
        string path,
        string key,
        ReadOnlyMemory<byte> body,
        CancellationToken cancel
    )
    {
        var connector = target.Connector;
        using var request = new HttpRequestMessage(HttpMethod.Post, connector.Address.TrimEnd('/') + path);
        request.Content = new ReadOnlyMemoryContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(Wire.MediaType);
        var headers = request.Headers;
        headers.TryAddWithoutValidation("Idempotency-Key", key);
        var seconds = clock.GetUtcNow().ToUnixTimeSeconds();
        headers.TryAddWithoutValidation(StandardWebhooks.IdHeader, key);
        headers.TryAddWithoutValidation(
            StandardWebhooks.TimestampHeader,
            seconds.ToString(CultureInfo.InvariantCulture)
        );
        if (target.Secrets.Signing.Count > 0)
        {
            headers.TryAddWithoutValidation(
                StandardWebhooks.SignatureHeader,
                StandardWebhooks.Sign(target.Secrets.Signing, key, seconds, body.Span)
            );
        }

        if (target.Secrets.Credential is { } credential)
        {
            dialect.Authenticate(headers, credential);
        }

        var began = Stopwatch.GetTimestamp();
        try
        {
            var answer = await egress.SendAsync(request, TimeSpan.FromSeconds(connector.TimeoutSeconds), cancel);
            return ((answer, Stopwatch.GetElapsedTime(began)), null);
        }
        catch (Exception error) when (ReasonOf(error) is not null && !cancel.IsCancellationRequested)
        {
            var took = Stopwatch.GetElapsedTime(began);
            return (null, new PartnerAnswer(Outcome.Failed, ReasonOf(error)!, null, took, Excerpt: error.Message));
        }
    }

    /// <summary>What an answer means.</summary>
    internal static PartnerAnswer Judge(OutboundAnswer answer, TimeSpan took, string acknowledgement)
    {
        var excerpt = ExcerptOf(answer.Body.Span);
        PartnerAnswer Is(Outcome outcome, string reason, IReadOnlyList<RejectedId>? rejected = null) =>
            new(outcome, reason, answer.Status, took, answer.RetryAfter, excerpt, rejected);

        switch (answer.Status)
        {
            case 429 or 503:
                return Is(Outcome.Throttled, ReasonOf(answer.Status));
            // The partner has read it and will say the same of the same again; a person has to look.
            case 400 or 404 or 409 or 410 or 413 or 415 or 422:
                return Is(Outcome.Refused, ReasonOf(answer.Status));
            case < 200 or >= 300:
                return Is(Outcome.Failed, ReasonOf(answer.Status));
            default:
                break;
        }

        if (!answer.IsWhole)
        {
            return Is(Outcome.Failed, "answer_too_long");
        }

        var good = acknowledgement == "callback" ? Outcome.Accepted : Outcome.Acknowledged;
        if (answer.Body.Length == 0)
        {
            return Is(good, "ok");
        }

        if (Parse(answer.Body) is not { } json)
        {
            return Is(Outcome.Failed, "unreadable_answer");
        }

        if (json.TryGetProperty("acknowledged", out var flag) && flag.ValueKind == JsonValueKind.False)
        {
            return Is(Outcome.Failed, "not_acknowledged");
        }

        return RejectedOf(json) is { } rejected
            ? Is(good, rejected.Count == 0 ? "ok" : "some_rejected", rejected)
            : Is(Outcome.Failed, "unreadable_answer");
    }

    /// <summary>The coupons a partner did not take: ids, or objects of id and reason.</summary>
    /// <returns>Null when the list is none.</returns>
    internal static List<RejectedId>? RejectedOf(JsonElement json)
    {
        var rejected = new List<RejectedId>();
        if (!json.TryGetProperty("rejected", out var list) || list.ValueKind == JsonValueKind.Null)
        {
            return rejected;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        foreach (var item in list.EnumerateArray())
        {
            var isObject = item.ValueKind == JsonValueKind.Object;
            var number = isObject && item.TryGetProperty("id", out var inner) ? inner : item;
            if (number.ValueKind != JsonValueKind.Number || !number.TryGetInt64(out var id))
            {
                return null;
            }

            var reason =
                isObject && item.TryGetProperty("reason", out var text) && text.ValueKind == JsonValueKind.String
                    ? Clean(text.GetString()!)
                    : "rejected";
            rejected.Add(new RejectedId(id, reason.Length > 200 ? reason[..200] : reason));
        }

        return rejected;
    }

    private static JsonElement? Parse(ReadOnlyMemory<byte> body)
    {
        var (parsed, _) = RequestBody.Parse(body.ToArray());
        return parsed?.Json;
    }

    internal static string ReasonOf(int status) => "http_" + status.ToString(CultureInfo.InvariantCulture);

    internal static string? ReasonOf(Exception error) =>
        error switch
        {
            EgressRefusedException => "address_refused",
            TimeoutException => "timeout",
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "unknown_host",
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "tls_failed",
            HttpRequestException or IOException => "connection_failed",
            _ => null,
        };

    internal static string ExcerptOf(ReadOnlySpan<byte> body) =>
        Clean(Encoding.UTF8.GetString(body[..Math.Min(body.Length, ExcerptLength)]));

    /// <summary>Text that may be stored and shown: what would steer a terminal or end a string is replaced.</summary>
    internal static string Clean(string text) =>
        string.Create(
            text.Length,
            text,
            static (to, from) =>
            {
                for (var i = 0; i < to.Length; i++)
                {
                    to[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? ' ' : from[i];
                }
            }
        );
}
