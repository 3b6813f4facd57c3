using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Campaigns;

/// <summary>Campaigns: coupons with one purpose, a period, a budget and an audience.</summary>
public static class CampaignsRoom
{
    /// <summary>Registers the words that may name a person, and the undoing of clones.</summary>
    public static IServiceCollection AddCampaigns(this IServiceCollection services) =>
        services
            .AddKeptWords(
                KeptWords.Of("campaigns.cost", "note"),
                KeptWords.Within("campaigns.campaign", "name description", also: "version = t.version + 1") with
                {
                    IsShown = true,
                }
            )
            .AddHostedService<CloneUndoWorker>()
            .AddSingleton<Undoing, CloneUndo>();

    /// <summary>Adds the routes.</summary>
    public static void MapCampaigns(this IEndpointRouteBuilder api)
    {
        CampaignEndpoints.Map(api);
        CloneEndpoints.Map(api);
        AudienceEndpoints.Map(api);
        CostEndpoints.Map(api);
    }
}
