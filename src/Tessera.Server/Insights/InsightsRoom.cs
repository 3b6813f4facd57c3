using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Insights.Alerts;
using Tessera.Server.Insights.Funnel;
using Tessera.Server.Insights.Live;
using Tessera.Server.Insights.Markers;
using Tessera.Server.Insights.Marketing;
using Tessera.Server.Insights.Views;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Insights;

/// <summary>Figures and charts from rollups of the log.</summary>
public static class InsightsRoom
{
    /// <summary>
    /// Registers the worker that counts, those that watch budgets and unusual coupons, and the one that follows for live pages.
    /// </summary>
    public static IServiceCollection AddInsights(this IServiceCollection services) =>
        services
            .AddKeptWords(InsightWords.All)
            .AddRetained(AlertRetention.Kinds)
            .AddSingleton<Rollup>()
            .AddHostedService(static provider => provider.GetRequiredService<Rollup>())
            .AddSingleton<BudgetWatch>()
            .AddHostedService(static provider => provider.GetRequiredService<BudgetWatch>())
            .AddSingleton<UnusualWatch>()
            .AddHostedService(static provider => provider.GetRequiredService<UnusualWatch>())
            .AddSingleton<LiveFollower>()
            .AddHostedService(static provider => provider.GetRequiredService<LiveFollower>());

    /// <summary>Adds the routes.</summary>
    public static void MapInsights(this IEndpointRouteBuilder api)
    {
        InsightEndpoints.Map(api);
        FunnelEndpoints.Map(api);
        ViewDayEndpoints.Map(api);
        MarketingEndpoints.Map(api);
        MarkerEndpoints.Map(api);
        AlertEndpoints.Map(api);
        ViewEndpoints.Map(api);
    }

    /// <summary>Adds the live stream; it is not below the API's address.</summary>
    public static void MapLive(this IEndpointRouteBuilder app) => LiveEndpoint.Map(app);
}
