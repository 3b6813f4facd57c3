using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>A delivery that this node holds.</summary>
internal sealed record DueDelivery(long Id, long Fence, Guid WebhookId, string Url, CloudEvent Event);

/// <summary>
/// Sends what is due (conventions 23 and 24). Each subscription has a few calls at a time of its own, so that a receiver
/// that is sick holds up nobody else. Any node may send: a delivery is held by a lease with a fencing number.
/// </summary>
internal sealed partial class WebhookSender(
    Database database,
    Egress egress,
    WebhookSecrets secrets,
    TimeProvider clock,
    ILogger<WebhookSender> log
) : Worker(clock, log, TimeSpan.FromMilliseconds(200))
{
    private const int CallsPerWebhook = 8;
    private const int MaximumCalls = 256;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<Guid, int> _running = new();
    private readonly TimeProvider _clock = clock;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var free = MaximumCalls - _running.Values.Sum();
        if (free <= 0)
        {
            return false;
        }

        Guid[] busy = [.. _running.Where(static r => r.Value > 0).Select(static r => r.Key)];
        var due = await WebhookStore.ClaimAsync(database, busy, CallsPerWebhook, free, cancel);
        foreach (var delivery in due)
        {
            _running.AddOrUpdate(delivery.WebhookId, 1, static (_, count) => count + 1);
            _ = SendAsync(delivery, cancel);
        }

        return false;
    }

    private async Task SendAsync(DueDelivery delivery, CancellationToken cancel)
    {
        // All are counted before the first may end.
        await Task.Yield();
        try
        {
            var at = _clock.GetUtcNow();
            var signing = await secrets.OpenAsync(database.Source, delivery.WebhookId, cancel);
            var answer = await CallAsync(delivery, signing, at, cancel);
            await WebhookStore.RecordAsync(database, delivery, at, answer, CancellationToken.None);
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            // The lease ends by itself, and the same webhook-id is sent again.
            LogFailed(log, delivery.Id, error.Message, Database.IsOutage(error) ? null : error);
        }
        catch (OperationCanceledException)
        {
            LogStopped(log, delivery.Id);
        }
        finally
        {
            _running.AddOrUpdate(delivery.WebhookId, 0, static (_, count) => count - 1);
        }
    }

    private async Task<PartnerAnswer> CallAsync(
        DueDelivery delivery,
        IReadOnlyList<string> signing,
        DateTimeOffset at,
        CancellationToken cancel
    )
    {
        var id = delivery.Event.Id.ToString();
        var body = delivery.Event.Body;
        using var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url);
        request.Content = new ReadOnlyMemoryContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(CloudEvent.MediaType);
        var seconds = at.ToUnixTimeSeconds();
        var headers = request.Headers;
        headers.TryAddWithoutValidation(StandardWebhooks.IdHeader, id);
        headers.TryAddWithoutValidation(
            StandardWebhooks.TimestampHeader,
            seconds.ToString(CultureInfo.InvariantCulture)
        );
        headers.TryAddWithoutValidation(
            StandardWebhooks.SignatureHeader,
            StandardWebhooks.Sign(signing, id, seconds, body.Span)
        );
        var began = Stopwatch.GetTimestamp();
        try
        {
            var answer = await egress.SendAsync(request, Timeout, cancel);
            var took = Stopwatch.GetElapsedTime(began);
            var isGood = answer.Status is >= 200 and < 300;
            return new PartnerAnswer(
                isGood ? Outcome.Acknowledged : Outcome.Failed,
                isGood ? "ok" : RestPartner.ReasonOf(answer.Status),
                answer.Status,
                took,
                answer.RetryAfter,
                RestPartner.ExcerptOf(answer.Body.Span)
            );
        }
        catch (Exception error) when (RestPartner.ReasonOf(error) is not null && !cancel.IsCancellationRequested)
        {
            var took = Stopwatch.GetElapsedTime(began);
            return new PartnerAnswer(
                Outcome.Failed,
                RestPartner.ReasonOf(error)!,
                null,
                took,
                Excerpt: RestPartner.Clean(error.Message)
            );
        }
    }

    [LoggerMessage(4011, LogLevel.Error, "Webhook delivery {Delivery} failed: {Reason}")]
    private static partial void LogFailed(ILogger log, long delivery, string reason, Exception? error);

    [LoggerMessage(4012, LogLevel.Debug, "Webhook delivery {Delivery} stops with the node")]
    private static partial void LogStopped(ILogger log, long delivery);
}
