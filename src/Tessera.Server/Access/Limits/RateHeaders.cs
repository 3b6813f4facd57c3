using System.Globalization;
using Microsoft.AspNetCore.Http;
using Tessera.Core;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.Limits;

/// <summary>How limits are announced, and the refusal beyond them (convention 20).</summary>
internal static class RateHeaders
{
    /// <summary>The refusal of a request beyond a limit.</summary>
    public static readonly Refusal Exceeded = new(
        "rate_limited",
        "These are more requests in a minute than are allowed, over all nodes. Retry-After says when to go on.",
        RefusalKind.TooManyRequests
    );

    /// <summary>Announces a limit and what is left of it.</summary>
    public static void Announce(HttpContext context, RatePolicy policy, RateState state)
    {
        var headers = context.Response.Headers;
        headers["RateLimit-Policy"] = string.Create(
            CultureInfo.InvariantCulture,
            $"\"{policy.Name}\";q={policy.Quota};w={RatePolicy.WindowSeconds}"
        );
        headers["RateLimit"] = string.Create(
            CultureInfo.InvariantCulture,
            $"\"{policy.Name}\";r={state.Left};t={state.Seconds}"
        );
    }

    /// <summary>Refuses.</summary>
    public static Task RefuseAsync(HttpContext context, RatePolicy policy, RateState state)
    {
        Announce(context, policy, state);
        context.Response.Headers.RetryAfter = state.Seconds.ToString(CultureInfo.InvariantCulture);
        return Problems.WriteAsync(context, Exceeded, policy.Name);
    }
}
