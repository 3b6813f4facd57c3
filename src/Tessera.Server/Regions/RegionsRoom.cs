using Microsoft.AspNetCore.Routing;

namespace Tessera.Server.Regions;

/// <summary>What the law of a region asks of the end of coupons (AUD-05).</summary>
public static class RegionsRoom
{
    /// <summary>Adds the routes.</summary>
    public static void MapRegions(this IEndpointRouteBuilder api) => new RegionDirectory().Map(api);
}
