using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Approvals;

namespace Tessera.Server.Balances;

/// <summary>Accounts and what moves them.</summary>
public static class BalancesRoom
{
    /// <summary>Registers what two people may do to an account.</summary>
    public static IServiceCollection AddBalances(this IServiceCollection services) =>
        services
            .AddSingleton<IApprovedAction, BalanceAdjustment>()
            .AddSingleton<IApprovedAction, BalanceDeposit>()
            .AddSingleton<IApprovedAction, BalanceWithdrawal>();

    /// <summary>Adds the routes.</summary>
    public static void MapBalances(this IEndpointRouteBuilder api)
    {
        BalanceEndpoints.Map(api);
        WithdrawalEndpoints.Map(api);
    }
}
