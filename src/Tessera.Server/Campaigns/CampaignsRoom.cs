using Microsoft.AspNetCore.Routing;

namespace Tessera.Server.Campaigns;

/// <summary>Campaigns: coupons with one purpose, a period, a budget and an audience.</summary>
public static class CampaignsRoom
{
    /// <summary>Adds the routes.</summary>
    public static void MapCampaigns(this IEndpointRouteBuilder api)
    {
        CampaignEndpoints.Map(api);
        CloneEndpoints.Map(api);
        AudienceEndpoints.Map(api);
    }
}
