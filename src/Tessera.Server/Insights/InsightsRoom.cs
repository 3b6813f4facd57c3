using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Server.Insights;

/// <summary>Figures and charts from rollups of the log.</summary>
public static class InsightsRoom
{
    /// <summary>Registers the worker that counts.</summary>
    public static IServiceCollection AddInsights(this IServiceCollection services) =>
        services.AddSingleton<Rollup>().AddHostedService(static provider => provider.GetRequiredService<Rollup>());

    /// <summary>Adds the routes.</summary>
    public static void MapInsights(this IEndpointRouteBuilder api) => InsightEndpoints.Map(api);
}
