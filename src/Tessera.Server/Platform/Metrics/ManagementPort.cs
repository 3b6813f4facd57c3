using Microsoft.AspNetCore.Http;

namespace Tessera.Server.Platform.Metrics;

/// <summary>
/// On the management port there are <c>/metrics</c>, <c>/livez</c> and <c>/readyz</c>, and nothing else; it asks for no
/// key, so it is for the inside of a deployment. Told apart by the port of the connection, which no caller can claim.
/// </summary>
public sealed class ManagementPort(RequestDelegate next, Settings settings, Measurements measurements)
{
    /// <summary>Answers what came in on the management port; passes on what did not.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (
            context.Connection.LocalPort != settings.ManagementPort
            || context.Request.Path.Value is "/livez" or "/readyz"
        )
        {
            return next(context);
        }

        if (context.Request.Path.Value != "/metrics")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = HttpMethods.Get;
            return Task.CompletedTask;
        }

        var isOpenMetrics = context
            .Request.Headers.Accept.ToString()
            .Contains("application/openmetrics-text", StringComparison.Ordinal);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = isOpenMetrics
            ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
            : "text/plain; version=0.0.4; charset=utf-8";
        return context.Response.WriteAsync(measurements.Render(isOpenMetrics));
    }
}
