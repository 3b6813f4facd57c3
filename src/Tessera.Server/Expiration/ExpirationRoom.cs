using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

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
            .AddHostedService(static p => p.GetRequiredService<LookAhead>())
            .AddHostedService(static p => p.GetRequiredService<Sweeper>());

    /// <summary>Adds the routes.</summary>
    public static void MapExpiration(this IEndpointRouteBuilder api) => _ = api;
}
