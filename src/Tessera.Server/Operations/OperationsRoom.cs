using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Approvals;

namespace Tessera.Server.Operations;

/// <summary>Long work, seen and steered; what staff does outside the ordinary course.</summary>
public static class OperationsRoom
{
    /// <summary>Registers what needs a second person.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services) =>
        services.AddSingleton<IApprovedAction, StatusOverride>().AddSingleton<IApprovedAction, BulkEnding>();

    /// <summary>Adds the routes.</summary>
    public static void MapOperations(this IEndpointRouteBuilder api) => OperationEndpoints.Map(api);
}
