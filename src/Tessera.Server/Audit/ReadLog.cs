using Microsoft.AspNetCore.Http;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>Writes down who read settings and other things that are worth knowing (AUD-01), after the answer was a yes.</summary>
public sealed class ReadLog(RequestDelegate next, Database database)
{
    /// <summary>Runs the request, and logs it if its endpoint asks for that.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        await next(context);
        if (
            context.GetEndpoint()?.Metadata.GetMetadata<ReadIsLogged>() is not { } logged
            || context.Response.StatusCode >= StatusCodes.Status400BadRequest
            || context.Features.Get<Caller>() is not { } caller
        )
        {
            return;
        }

        await using var work = await database.BeginAsync(CancellationToken.None);
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
