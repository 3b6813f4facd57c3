using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Approvals;

namespace Tessera.Server.Expiration;

/// <summary>Look-ahead, sweep, extension, forced expiry.</summary>
public static class ExpirationRoom
{
    /// <summary>Registers the workers.</summary>
    public static IServiceCollection AddExpiration(this IServiceCollection services) =>
        services
            .AddSingleton<Horizon>()
            .AddSingleton<NodeClock>()
            .AddSingleton<LookAhead>()
            .AddSingleton<Sweeper>()
            .AddSingleton<CatchUp>()
            .AddSingleton<IApprovedAction, ExtensionApproval>()
            .AddHostedService(static p => p.GetRequiredService<LookAhead>())
            .AddHostedService(static p => p.GetRequiredService<Sweeper>())
            .AddHostedService(static p => p.GetRequiredService<CatchUp>())
            .AddHostedService<NearTime>()
            .AddHostedService<CouponEnds>()
            .AddHostedService<Checker>()
            .AddHostedService<Archiver>()
            .AddHostedService<ChangeWorker>();

    /// <summary>Adds the routes.</summary>
    public static void MapExpiration(this IEndpointRouteBuilder api)
    {
        ChangeEndpoints.Map(api);
        UploadEndpoints.Map(api);
        ConsoleEndpoints.Map(api);
    }
}
