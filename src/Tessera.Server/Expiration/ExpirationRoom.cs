using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Approvals;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Expiration;

/// <summary>Look-ahead, sweep, extension, forced expiry.</summary>
public static class ExpirationRoom
{
    /// <summary>Registers the workers.</summary>
    public static IServiceCollection AddExpiration(this IServiceCollection services, Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        services
            .AddSingleton<Horizon>()
            .AddSingleton<NodeClock>()
            .AddSingleton<LookAhead>()
            .AddSingleton<Sweeper>()
            .AddSingleton<CatchUp>()
            .AddSingleton<IApprovedAction, ExtensionApproval>()
            .AddSingleton<Undoing, ChangeUndo>()
            .AddSingleton<Undoing, IssueUndo>()
            .AddSingleton<IScheduledPass>(static p => p.GetRequiredService<LookAhead>())
            .AddSingleton<IScheduledPass>(static p => p.GetRequiredService<CatchUp>())
            .AddSingleton<IScheduledPass, Checker>()
            .AddSingleton<IScheduledPass, Archiver>()
            .AddSingleton<IScheduledPass, Notices>()
            .AddRetained(ExpirationRetention.Kinds)
            .AddKeptWords(ExpirationRetention.Words)
            .AddHostedService(static p => p.GetRequiredService<Sweeper>())
            .AddHostedService<NearTime>()
            .AddHostedService<CouponEnds>()
            .AddHostedService<PressureWatch>()
            .AddHostedService<ChangeWorker>();
        return settings.Schedules ? services.AddHostedService<Scheduling>() : services;
    }

    /// <summary>Adds the routes.</summary>
    public static void MapExpiration(this IEndpointRouteBuilder api)
    {
        ChangeEndpoints.Map(api);
        UploadEndpoints.Map(api);
        ConsoleEndpoints.Map(api);
    }
}
