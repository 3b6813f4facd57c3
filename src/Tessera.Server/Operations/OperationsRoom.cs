using Microsoft.AspNetCore.Routing;

namespace Tessera.Server.Operations;

/// <summary>Long work, seen and steered.</summary>
public static class OperationsRoom
{
    /// <summary>Adds the routes.</summary>
    public static void MapOperations(this IEndpointRouteBuilder api) => OperationEndpoints.Map(api);
}
