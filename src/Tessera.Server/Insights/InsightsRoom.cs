using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Insights.Live;
using Tessera.Server.Insights.Views;

namespace Tessera.Server.Insights;

/// <summary>Figures and charts from rollups of the log.</summary>
public static class InsightsRoom
{
    /// <summary>Registers the worker that counts and the one that follows for live pages.</summary>
    public static IServiceCollection AddInsights(this IServiceCollection services) =>
        services
            .AddSingleton<Rollup>()
            .AddHostedService(static provider => provider.GetRequiredService<Rollup>())
            .AddSingleton<LiveFollower>()
            .AddHostedService(static provider => provider.GetRequiredService<LiveFollower>());

    /// <summary>Adds the routes.</summary>
    public static void MapInsights(this IEndpointRouteBuilder api)
    {
        InsightEndpoints.Map(api);
        ViewEndpoints.Map(api);
    }

    /// <summary>Adds the live stream; it is not below the API's address.</summary>
    public static void MapLive(this IEndpointRouteBuilder app) => LiveEndpoint.Map(app);
}
