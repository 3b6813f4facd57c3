using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Live;

/// <summary>
/// Live updates (ALR-01, A.13): a WebSocket, or server-sent events for whoever cannot have one. Says what happened since
/// the place the caller names, then what happens; a sign of life every two seconds, so that a break shows.
/// </summary>
internal static class LiveEndpoint
{
    public const string Path = "/ws/coupons";

    /// <summary>Events that are caught up with one by one; beyond that the caller loads what it shows again.</summary>
    private const int MostCaughtUp = 20_000;

    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestSend = TimeSpan.FromSeconds(10);

    private static readonly Refusal NoStream = new(
        "stream_expected",
        "This is a stream: open a WebSocket, or accept text/event-stream.",
        RefusalKind.Invalid
    );

    private static readonly Refusal ForeignOrigin = new(
        "foreign_origin",
        "Pages of another origin do not get this stream.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet(Path, FollowAsync)
            .WithName("followCoupons")
            .WithSummary("Follow what happens to coupons, live: a WebSocket, or server-sent events")
            .WithTags("Insights")
            .WithRemark(
                "Each message is a JSON object with a type. hello: the stream begins at seq; reset is true when more was "
                    + "missed than is told, and what is shown has to be loaded again. changes: what happened up to seq, "
                    + "coupon by coupon, with the names coupon_used, fraud_detected, limit_reached, expired, rolled_back, "
                    + "reserved and changed, and the coupon as the list shows it; has_alerts when alerts were raised, noted or cleared. alive: nothing happened for two seconds. end: why the "
                    + "stream ends. A caller that comes back names the last seq it saw."
            )
            .WithQuery(
                "after",
                "integer",
                "The seq of the last message seen; only what happens from now on unless given."
            )
            .WithAnswer(200, "Server-sent events, each with its seq as id.", "text/event-stream")
            .Guards(typeof(Coupons.CouponShape))
            .WithRefusals(NoStream, ForeignOrigin)
            .RequirePermission(Permissions.CouponsRead);

    private static async Task FollowAsync(
        HttpContext context,
        Database database,
        LiveFollower follower,
        IHostApplicationLifetime lifetime
    )
    {
        if (IsForeign(context.Request))
        {
            await Problems.WriteAsync(context, ForeignOrigin);
            return;
        }

        var query = new Query(context.Request);
        var after = query.Integer("after", 0, long.MaxValue) ?? LastEventId(context.Request);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var hidden = context.Features.Get<HiddenMembers>();
        ReadOnlyMemory<byte> Shown(ReadOnlyMemory<byte> message) => hidden?.Without(message) ?? message;
        var isSocket = context.WebSockets.IsWebSocketRequest;
        if (
            !isSocket
            && !context.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.Ordinal)
        )
        {
            await Problems.WriteAsync(context, NoStream);
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        var viewer = new LiveViewer(Caller.Of(context), KeyOf(context.Request));
        var from = await follower.JoinAsync(viewer, stop.Token);
        try
        {
            if (isSocket)
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                var listening = ListenAsync(socket, stop);
                await RunAsync(
                    new Stream(database, viewer, from, after, message => SendAsync(socket, Shown(message), stop.Token)),
                    stop.Token
                );
                await CloseAsync(socket, viewer);
                // The other side answers the close; one that does not is cut off.
                stop.CancelAfter(SignOfLife);
                await listening;
            }
            else
            {
                context.Response.ContentType = "text/event-stream";
                await RunAsync(
                    new Stream(
                        database,
                        viewer,
                        from,
                        after,
                        message => SendAsync(context.Response, Shown(message), stop.Token)
                    ),
                    stop.Token
                );
            }
        }
        finally
        {
            await follower.LeaveAsync(viewer);
        }
    }

    private sealed record Stream(
        Database Database,
        LiveViewer Viewer,
        long From,
        long? After,
        Func<ReadOnlyMemory<byte>, Task> SendAsync
    );

    /// <summary>Tells what was missed, then what comes, until somebody ends it.</summary>
    private static async Task RunAsync(Stream stream, CancellationToken stop)
    {
        try
        {
            var missed = stream.After is { } after ? stream.From - after : 0;
            // A place beyond the end is of another log: a database that was restored, for instance.
            var isReset = missed is < 0 or > MostCaughtUp;
            await stream.SendAsync(
                Encoding.UTF8.GetBytes(
                    $$"""{"type":"hello","seq":{{(isReset ? stream.From : stream.From - missed)}},"reset":{{(
                        isReset ? "true" : "false"
                    )}}}"""
                )
            );
            for (var place = stream.From - missed; !isReset && place < stream.From; )
            {
                var stretch = await LiveChanges.ReadAsync(stream.Database, place, stream.From, stop);
                if (stretch.MessageTo(stream.Viewer.Caller.MerchantId) is { } message)
                {
                    await stream.SendAsync(message);
                }

                place = stretch.HasMore ? stretch.Seq : stream.From;
            }

            await TellAsync(stream, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            stream.Viewer.End("closed");
        }
        catch (WebSocketException)
        {
            // The line broke; the other side comes back and catches up.
            stream.Viewer.End("closed");
        }
    }

    private static async Task TellAsync(Stream stream, CancellationToken stop)
    {
        var alive = """{"type":"alive"}"""u8.ToArray();
        while (true)
        {
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stop);
            pause.CancelAfter(SignOfLife);
            try
            {
                if (!await stream.Viewer.Messages.WaitToReadAsync(pause.Token))
                {
                    var end = $$"""{"type":"end","reason":"{{stream.Viewer.EndedBy}}"}""";
                    await stream.SendAsync(Encoding.UTF8.GetBytes(end));
                    return;
                }
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                await stream.SendAsync(alive);
                continue;
            }

            while (stream.Viewer.Messages.TryRead(out var message))
            {
                await stream.SendAsync(message);
            }
        }
    }

    private static async Task SendAsync(WebSocket socket, ReadOnlyMemory<byte> message, CancellationToken stop)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(stop);
        within.CancelAfter(LongestSend);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, within.Token);
        }
        catch (OperationCanceledException slow) when (!stop.IsCancellationRequested)
        {
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely, slow);
        }
    }

    private static async Task SendAsync(HttpResponse response, ReadOnlyMemory<byte> message, CancellationToken stop)
    {
        var text = Encoding.UTF8.GetString(message.Span);
        var seq = System.Text.Json.JsonDocument.Parse(message).RootElement.TryGetProperty("seq", out var place)
            ? string.Create(CultureInfo.InvariantCulture, $"id: {place.GetInt64()}\n")
            : "";
        await response.WriteAsync($"{seq}data: {text}\n\n", stop);
        await response.Body.FlushAsync(stop);
    }

    /// <summary>The caller has nothing to say; that it closes, or breaks, ends the stream.</summary>
    private static async Task ListenAsync(WebSocket socket, CancellationTokenSource stop)
    {
        var buffer = new byte[256];
        try
        {
            while (
                socket.State == WebSocketState.Open
                && (await socket.ReceiveAsync(buffer.AsMemory(), stop.Token)).MessageType != WebSocketMessageType.Close
            ) { }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            // Broken or ended: either way it is over.
        }

        await stop.CancelAsync();
    }

    private static async Task CloseAsync(WebSocket socket, LiveViewer viewer)
    {
        var status =
            viewer.EndedBy == "session_ended" ? WebSocketCloseStatus.PolicyViolation
            : viewer.EndedBy == "behind" ? WebSocketCloseStatus.InternalServerError
            : WebSocketCloseStatus.NormalClosure;
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        using var within = new CancellationTokenSource(LongestSend);
        try
        {
            await socket.CloseOutputAsync(status, viewer.EndedBy, within.Token);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            socket.Abort();
        }
    }

    /// <summary>Browsers name the page's origin in every handshake (V4.4.2); other clients have no cookies to misuse.</summary>
    private static bool IsForeign(HttpRequest request)
    {
        var origin = request.Headers.Origin;
        return !StringValues.IsNullOrEmpty(origin)
            && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }

    private static long? LastEventId(HttpRequest request) =>
        long.TryParse(request.Headers["Last-Event-ID"], CultureInfo.InvariantCulture, out var seq) && seq >= 0
            ? seq
            : null;

    private static string? KeyOf(HttpRequest request) =>
        request.Headers.Authorization is [{ } header, ..]
            ? header[(header.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim()
            : null;
}
