using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Demo;

/// <summary>A world to look at, with a year behind it, that can be let run.</summary>
public static class DemoRoom
{
    /// <summary>Registers what lets it run; it rests until somebody switches it on.</summary>
    public static IServiceCollection AddDemo(this IServiceCollection services) =>
        services
            .AddSingleton<IHouseHost>(static p => new DemoPartner(
                DemoPartner.Flaky,
                p.GetRequiredService<TimeProvider>()
            ))
            .AddSingleton<IHouseHost>(static p => new DemoPartner(
                DemoPartner.Well,
                p.GetRequiredService<TimeProvider>()
            ))
            .AddSingleton<DemoLife>()
            .AddHostedService(static p => p.GetRequiredService<DemoLife>());

    /// <summary>Adds the routes.</summary>
    public static void MapDemo(this IEndpointRouteBuilder api) => DemoEndpoints.Map(api);
}
