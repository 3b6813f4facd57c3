using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Server.Audit;

/// <summary>Seals, verifies and serves the event log.</summary>
public static class AuditRoom
{
    /// <summary>Registers the sealer, which every node runs and one at a time does.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services) => services.AddHostedService<Sealer>();

    /// <summary>Adds the routes.</summary>
    public static void MapAudit(this IEndpointRouteBuilder api) => EventEndpoints.Map(api);
}
