using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Retention;
using Tessera.Server.Promotions;
using Tessera.Server.Redemptions.Backtests;
using Tessera.Server.Redemptions.Orders;

namespace Tessera.Server.Redemptions;

/// <summary>Validate, reserve, redeem, roll back.</summary>
public static partial class RedemptionsRoom
{
    /// <summary>Registers the lanes and the worker that tidies lapsed reservations.</summary>
    public static IServiceCollection AddRedemptions(this IServiceCollection services, int lanes)
    {
        services.AddSingleton(provider =>
        {
            var log = provider.GetRequiredService<ILogger<RedemptionService>>();
            return new RedemptionService(
                provider.GetRequiredService<Database>(),
                Problems.Render,
                lanes,
                error =>
                    LogFailed(
                        log,
                        error.Message,
                        Database.IsOutage(error) || error is StaleResolutionException ? null : error
                    )
            );
        });
        services.AddSingleton(static provider => new OrderService(
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<PromotionCatalogue>(),
            Problems.Render
        ));
        services.AddSingleton(static provider => new OrderReturns(
            provider.GetRequiredService<Database>(),
            Problems.Render
        ));
        services.AddHostedService<OrderLapseWorker>();
        services.AddHostedService<BacktestWorker>();
        return services
            .AddRetained(RedemptionRetention.Kinds)
            .AddKeptWords(RedemptionRetention.Words)
            .AddHostedService<LapseWorker>();
    }

    /// <summary>Adds the routes.</summary>
    public static void MapRedemptions(this IEndpointRouteBuilder api)
    {
        RedemptionEndpoints.Map(api);
        RedemptionReads.Map(api);
        AttemptReads.Map(api);
        BookingEndpoints.Map(api);
        OrderEndpoints.Map(api);
        OrderReads.Map(api);
        BacktestEndpoints.Map(api);
    }

    [LoggerMessage(2001, LogLevel.Warning, "A batch of redemptions failed and is run again item by item: {Reason}")]
    private static partial void LogFailed(ILogger log, string reason, Exception? error);
}
