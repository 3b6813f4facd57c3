using Microsoft.AspNetCore.Http;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>
/// Writes down who read settings and other things that are worth knowing (AUD-01), where the answer is a yes: before it is
/// sent, so that nobody has read what is not in the log.
/// </summary>
public sealed class ReadLog(RequestDelegate next, Database database)
{
    /// <summary>Runs the request, and logs it if its endpoint asks for that.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (
            context.GetEndpoint()?.Metadata.GetMetadata<ReadIsLogged>() is { } logged
            && context.Features.Get<Caller>() is { } caller
        )
        {
            context.Response.OnStarting(() =>
                context.Response.StatusCode < StatusCodes.Status400BadRequest
                    ? WriteAsync(context, logged, caller)
                    : Task.CompletedTask
            );
        }

        return next(context);
    }

    private async Task WriteAsync(HttpContext context, ReadIsLogged logged, Caller caller)
    {
        // Of another pool than what the request may hold: else many at once could each wait for a second connection.
        await using var work = await database.BeginKeyedAsync(CancellationToken.None);
        var entry = new EventEntry(
            "settings",
            logged.What,
            "settings.read",
            1,
            caller.Actor,
            logged.Kind is { } kind && context.Request.RouteValues["id"] is string id
                ? EventLog.Payload(("subject", $"{kind}:{id}"))
                : "{}",
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(CancellationToken.None),
            [entry],
            CancellationToken.None
        );
        await work.CommitAsync(CancellationToken.None);
    }
}
