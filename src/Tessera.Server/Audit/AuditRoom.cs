using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Audit;

/// <summary>Seals, verifies and serves the event log.</summary>
public static class AuditRoom
{
    /// <summary>Registers sealer, indexer, merger and the walk along the chain, which every node runs and one at a time does.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services) =>
        services
            .AddRetained(AuditRetention.Kinds)
            .AddHostedService<Sealer>()
            .AddHostedService<Indexer>()
            .AddHostedService<ChunkMerger>()
            .AddHostedService<ChainWalk>();

    /// <summary>Adds the routes.</summary>
    public static void MapAudit(this IEndpointRouteBuilder api)
    {
        EventEndpoints.Map(api);
        AuditEndpoints.Map(api);
        ChainEndpoints.Map(api);
        AuditExport.Map(api);
    }
}
