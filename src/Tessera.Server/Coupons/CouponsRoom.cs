using Microsoft.AspNetCore.Routing;

namespace Tessera.Server.Coupons;

/// <summary>The catalogue: coupons, instances, codes, services, consultants.</summary>
public static class CouponsRoom
{
    /// <summary>Adds the routes.</summary>
    public static void MapCoupons(this IEndpointRouteBuilder api)
    {
        CouponEndpoints.Map(api);
        BulkEndpoints.Map(api);
        CodeStateEndpoints.Map(api);
        InstanceEndpoints.Map(api);
        new Services().Map(api);
        new Consultants().Map(api);
    }
}
