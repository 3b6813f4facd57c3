using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Approvals;
using Tessera.Server.Operations.Units;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Operations;

/// <summary>Long work, seen and steered; what staff does outside the ordinary course.</summary>
public static class OperationsRoom
{
    /// <summary>Registers what needs a second person, and the worker of changes of many units.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services) =>
        services
            .AddRetained(OperationsRetention.Kinds)
            .AddHostedService<UnitWorker>()
            .AddSingleton<IApprovedAction, StatusOverride>()
            .AddSingleton<IApprovedAction, BulkEnding>()
            .AddSingleton<IApprovedAction, UnitOverriding>()
            .AddSingleton<IApprovedAction, UnitEnding>()
            .AddSingleton<Undoing, UnitUndo>();

    /// <summary>Adds the routes.</summary>
    public static void MapOperations(this IEndpointRouteBuilder api)
    {
        OperationEndpoints.Map(api);
        UnitPlanEndpoints.Map(api);
    }
}
