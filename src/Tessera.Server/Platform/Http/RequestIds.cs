using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Tessera.Server.Platform.Http;

/// <summary>The correlation id of a request: the caller's, if it is well-formed, else ours (convention 6).</summary>
public static class RequestIds
{
    private const string Header = "X-Request-Id";
    private const int MaximumLength = 64;

    /// <summary>Name of the id in the log and on the activity of the request.</summary>
    internal const string Tag = "request_id";

    /// <summary>The id given to this request.</summary>
    public static string Of(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.TraceIdentifier;
    }

    /// <summary>Settles the id and announces it.</summary>
    public static void Assign(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var given = context.Request.Headers[Header];
        context.TraceIdentifier =
            given.Count == 1 && IsWellFormed(given[0]) ? given[0]! : Guid.CreateVersion7().ToString("N");
        context.Response.Headers[Header] = context.TraceIdentifier;

        // Where the log finds it, whatever part of the request writes a line.
        Activity.Current?.SetTag(Tag, context.TraceIdentifier);
    }

    private static bool IsWellFormed(string? id) =>
        id is { Length: > 0 and <= MaximumLength }
        && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
