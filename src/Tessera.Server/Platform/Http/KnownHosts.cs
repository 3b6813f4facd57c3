using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Refuses requests that are sent to another name than the deployment's, where its names are set: a page of another name that
/// resolves here is not ours (convention 57). Nothing uses the name of a request, so without the setting any will do.
/// </summary>
public sealed partial class KnownHosts(RequestDelegate next, Settings settings, ILogger<KnownHosts> log)
{
    /// <summary>The refusal of another name.</summary>
    public static readonly Refusal Unknown = new(
        "unknown_host",
        "This server does not answer to that name.",
        RefusalKind.Invalid
    );

    private readonly FrozenSet<string> _hosts = settings
        .AllowedHosts.Concat(settings.PublicUrl is { } url ? [new Uri(url).Host] : [])
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Runs the request if it is sent to one of the names; probes come to addresses.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Request.Path.Value is "/livez" or "/readyz" || _hosts.Contains(context.Request.Host.Host))
        {
            return next(context);
        }

        LogRefused(log, context.Connection.RemoteIpAddress?.ToString() ?? "", RequestIds.Of(context));
        return Problems.WriteAsync(context, Unknown);
    }

    // Not the name itself: it is the caller's text.
    [LoggerMessage(3015, LogLevel.Warning, "Refused a request to another host from {From}, request {RequestId}")]
    private static partial void LogRefused(ILogger log, string from, string requestId);
}
