using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Server.Access.Limits;
using Tessera.Server.Access.People;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>
/// Lets a request to an endpoint only if its caller has the permission the endpoint names. An endpoint that names none
/// lets nobody in (convention 49).
/// </summary>
public sealed partial class Gate(
    RequestDelegate next,
    ApiKeys keys,
    Sessions sessions,
    RateLimits limits,
    Settings settings,
    ILogger<Gate> log
)
{
    private readonly RatePolicy _keys = RatePolicy.Keys(settings.RequestsPerMinute);

    private const string Scheme = "Bearer ";

    /// <summary>The refusal of a caller that nobody knows.</summary>
    internal static readonly Refusal NotSignedIn = new(
        "not_signed_in",
        "This needs an API key (Authorization: Bearer tsk_…) or a session that is alive.",
        RefusalKind.Unauthenticated
    );

    private static readonly Refusal Forbidden = new(
        "forbidden",
        "This caller does not have the permission this needs.",
        RefusalKind.Forbidden
    );

    /// <summary>Runs the request if it may.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var endpoint = context.GetEndpoint();
        var required = endpoint?.Metadata.GetMetadata<RequiredPermission>();
        // What is no route of ours (405, for instance) reveals nothing and does nothing.
        if (endpoint is not Microsoft.AspNetCore.Routing.RouteEndpoint || required is { Permission: null })
        {
            await PassOpenAsync(context, endpoint);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        var (caller, forged) = await IdentifyAsync(context);
        if (caller is null)
        {
            await RefuseStrangerAsync(context);
            return;
        }

        var policy = PolicyOf(caller);
        var state = limits.Count(policy, caller.ClientId);
        if (!state.IsAllowed)
        {
            await RateHeaders.RefuseAsync(context, policy, state);
            return;
        }

        RateHeaders.Announce(context, policy, state);

        if (forged)
        {
            Log(context, caller.Actor, SessionCookie.Forged);
            await Problems.WriteAsync(context, SessionCookie.Forged);
            return;
        }

        if (required is null || !caller.Can(required.Permission!))
        {
            Log(context, caller.Actor, Forbidden);
            await Problems.WriteAsync(context, Forbidden);
            return;
        }

        context.Features.Set(caller);
        Hide(context, endpoint, caller);
        await PassAsync(context, caller.Actor);
    }

    /// <summary>Leaves out of the answer what needs a permission that the caller lacks (ACC-03).</summary>
    private static void Hide(HttpContext context, Endpoint endpoint, Caller caller)
    {
        var facts = endpoint.Metadata.GetOrderedMetadata<GuardedFact>();
        if (facts.Count == 0)
        {
            return;
        }

        var names = facts
            .SelectMany(static f => f.Members)
            .Where(m => !m.AnyOf.Any(caller.Can))
            .SelectMany(static m => m.Names)
            .ToFrozenSet(StringComparer.Ordinal);
        if (names.Count > 0)
        {
            context.Features.Set(new HiddenMembers(names));
        }
    }

    private RatePolicy PolicyOf(Caller caller) =>
        caller.PersonId is not null ? RatePolicy.People
        : caller.RequestsPerMinute is { } own ? RatePolicy.Keys(own)
        : _keys;

    /// <summary>What is open to everyone; where a password or a token could be guessed, only so many tries.</summary>
    private async Task PassOpenAsync(HttpContext context, Endpoint? endpoint)
    {
        if (endpoint?.Metadata.GetMetadata<GuessableEndpoint>() is not null)
        {
            var state = limits.Count(RatePolicy.SignIns, RateLimits.Of(context.Connection.RemoteIpAddress));
            if (!state.IsAllowed)
            {
                Log(context, "none", RateHeaders.Exceeded);
                await RateHeaders.RefuseAsync(context, RatePolicy.SignIns, state);
                return;
            }

            RateHeaders.Announce(context, RatePolicy.SignIns, state);
        }

        await PassAsync(context, "none");
    }

    /// <summary>
    /// Lets the request on. What the endpoint refuses for what the caller is, such as approving one's own request, is told
    /// as well, whether or not the caller waits for the answer.
    /// </summary>
    private async Task PassAsync(HttpContext context, string who)
    {
        try
        {
            await next(context);
        }
        finally
        {
            if (
                context.Response.StatusCode == StatusCodes.Status403Forbidden
                || context.Features.Get<SecurityMatter>() is not null
            )
            {
                Log(context, who, context.Features.Get<Refusal>() ?? Forbidden);
            }
        }
    }

    private async Task RefuseStrangerAsync(HttpContext context)
    {
        var state = limits.Count(RatePolicy.Strangers, RateLimits.Of(context.Connection.RemoteIpAddress));
        if (!state.IsAllowed)
        {
            await RateHeaders.RefuseAsync(context, RatePolicy.Strangers, state);
            return;
        }

        Log(context, "none", NotSignedIn);
        await Problems.WriteAsync(context, NotSignedIn);
    }

    /// <summary>A key in the header counts, right or wrong, before any cookie.</summary>
    private async ValueTask<(Caller? Caller, bool IsForged)> IdentifyAsync(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization;
        if (authorization.Count > 0)
        {
            return authorization.Count == 1 && authorization[0]!.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
                ? (await keys.FindAsync(authorization[0].AsSpan(Scheme.Length).Trim(), context.RequestAborted), false)
                : (null, false);
        }

        if (SessionCookie.Read(context) is not { } ticket)
        {
            return (null, false);
        }

        var live = await sessions.FindAsync(ticket, context.RequestAborted);
        return (live?.Caller, live is not null && !SessionCookie.IsOurs(context, ticket));
    }

    /// <summary>Who was refused what, when and from where (convention 68). Never the key or the ticket.</summary>
    private void Log(HttpContext context, string who, Refusal refusal)
    {
        var operation = context.GetEndpoint()?.DisplayName ?? "";
        var from = context.Connection.RemoteIpAddress?.ToString() ?? "";
        LogRefused(log, refusal.Code, who, operation, from, RequestIds.Of(context));
    }

    [LoggerMessage(3001, LogLevel.Warning, "Refused {Code} to {Who} at {Operation} from {From}, request {RequestId}")]
    private static partial void LogRefused(
        ILogger log,
        string code,
        string who,
        string operation,
        string from,
        string requestId
    );
}
