using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Approvals;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Coupons.Export;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Coupons;

/// <summary>The catalogue: coupons, instances, codes, services, consultants.</summary>
public static class CouponsRoom
{
    /// <summary>Registers the workers that generate codes, import coupons and sum up their use.</summary>
    public static IServiceCollection AddCoupons(this IServiceCollection services) =>
        services
            .AddRetained(CouponRetention.Kinds)
            .AddKeptWords(CouponRetention.Words)
            .AddHostedService<CodeWorker>()
            .AddHostedService<ImportWorker>()
            .AddHostedService<BulkWorker>()
            .AddHostedService<ExportWorker>()
            .AddHostedService<TotalsWorker>()
            .AddSingleton<IApprovedAction, BulkChanging>()
            .AddSingleton<IApprovedAction, BulkDeletion>()
            .AddSingleton<Undoing, BulkUndo>();

    /// <summary>Adds the routes.</summary>
    public static void MapCoupons(this IEndpointRouteBuilder api)
    {
        CouponEndpoints.Map(api);
        FallbackEndpoints.Map(api);
        BulkEndpoints.Map(api);
        BulkPlanEndpoints.Map(api);
        ExportEndpoints.Map(api);
        CodeStateEndpoints.Map(api);
        InstanceEndpoints.Map(api);
        CodeEndpoints.Map(api);
        ImportEndpoints.Map(api);
        new Services().Map(api);
        new Templates().Map(api);
        new Consultants().Map(api);
    }
}
