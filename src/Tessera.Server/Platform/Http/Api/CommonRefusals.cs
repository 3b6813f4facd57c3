using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;

namespace Tessera.Server.Platform.Http.Api;

/// <summary>What an operation may refuse because of what it takes, besides the reasons of its own.</summary>
internal static class CommonRefusals
{
    public static IEnumerable<Refusal> Of(RouteEndpoint endpoint, string? permission)
    {
        var facts = endpoint.Metadata;
        var own = facts.GetOrderedMetadata<RefusalFact>().SelectMany(static f => f.Refusals);
        return own.Concat(Codes(facts, endpoint, permission).Select(static code => ProblemCatalogue.All[code]));
    }

    private static IEnumerable<string> Codes(
        EndpointMetadataCollection facts,
        RouteEndpoint endpoint,
        string? permission
    )
    {
        yield return "internal_error";
        if (permission is not null)
        {
            yield return "not_signed_in";
            yield return "forbidden";
            yield return "csrf_token_missing";
            yield return "rate_limited";
            yield return "database_unavailable";
            yield return "too_busy";
        }

        if (facts.GetMetadata<BodyFact>() is not null)
        {
            yield return "invalid_request";
            yield return "malformed_json";
            yield return "body_too_large";
            yield return "unsupported_media_type";
        }

        var parameters = facts.GetOrderedMetadata<ParameterFact>();
        if (parameters.Count > 0)
        {
            yield return "invalid_request";
        }

        if (parameters.Any(static p => p.Name == "cursor"))
        {
            yield return "invalid_cursor";
        }

        if (facts.GetMetadata<IdempotencyFact>() is { } key)
        {
            yield return "idempotency_key_malformed";
            yield return "idempotency_key_in_progress";
            yield return "idempotency_key_reused";
            if (key.Required)
            {
                yield return "idempotency_key_missing";
            }
        }

        if (facts.GetMetadata<IfMatchFact>() is not null)
        {
            yield return "precondition_required";
            yield return "precondition_failed";
        }

        if (endpoint.RoutePattern.Parameters.Count > 0)
        {
            yield return "not_found";
        }
    }
}
