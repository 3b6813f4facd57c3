using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Approvals;

/// <summary>Changes that need a second person, and emergencies.</summary>
public static class ApprovalsRoom
{
    /// <summary>Registers the service and its worker.</summary>
    public static IServiceCollection AddApprovals(this IServiceCollection services) =>
        services
            .AddSingleton<ApprovalService>()
            .AddSingleton<IApprovedAction, PolicyChange>()
            .AddRetained(ApprovalRetention.Kinds)
            .AddKeptWords(ApprovalRetention.Words)
            .AddHostedService<ApprovalWorker>();

    /// <summary>Adds the routes.</summary>
    public static void MapApprovals(this IEndpointRouteBuilder api)
    {
        ApprovalEndpoints.Map(api);
        EmergencyEndpoints.Map(api);
    }
}
