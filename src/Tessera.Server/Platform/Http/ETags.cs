using System.Globalization;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>Strong entity tags of configuration resources, made from their version (convention 18).</summary>
public static class ETags
{
    /// <summary>The refusal of a change that does not say which state it changes.</summary>
    public static readonly Refusal Missing = new(
        "precondition_required",
        "This needs an If-Match header with the ETag of the state you saw.",
        RefusalKind.PreconditionRequired
    );

    /// <summary>The refusal of a change to a state that is no longer the present one.</summary>
    public static readonly Refusal Stale = new(
        "precondition_failed",
        "This has changed since you read it. Read it again and decide anew.",
        RefusalKind.Stale
    );

    /// <summary>The tag of a version.</summary>
    public static string Of(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    /// <summary>The tag of a version of something that may be deleted and made again under the same address.</summary>
    public static string Of(long version, DateTimeOffset madeAt) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{version}-{madeAt.UtcTicks:x}\"");

    /// <summary>Whether the request names the present state, by <c>If-Match</c>; weak tags never match.</summary>
    /// <returns>Null if it does; else 428 or 412.</returns>
    public static Refusal? Check(HttpContext context, string current)
    {
        ArgumentNullException.ThrowIfNull(context);
        var given = context.Request.Headers.IfMatch;
        if (given.Count == 0)
        {
            return Missing;
        }

        return Tags(given).Any(tag => tag == "*" || string.Equals(tag, current, StringComparison.Ordinal))
            ? null
            : Stale;
    }

    /// <summary>Whether the request says at all which state it changes.</summary>
    public static Refusal? CheckPresent(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Headers.IfMatch.Count == 0 ? Missing : null;
    }

    /// <summary>Whether the caller has the present state, by <c>If-None-Match</c>; compared weakly.</summary>
    public static bool IsUnchanged(HttpContext context, string current)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Tags(context.Request.Headers.IfNoneMatch)
            .Any(tag =>
                tag == "*"
                || string.Equals(
                    tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag,
                    current,
                    StringComparison.Ordinal
                )
            );
    }

    private static IEnumerable<string> Tags(Microsoft.Extensions.Primitives.StringValues header) =>
        header.SelectMany(static line =>
            (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        );
}
