using System.Collections.Frozen;
using Microsoft.AspNetCore.Builder;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>
/// Who sees money (ACC-03). Sums, and whatever sums can be made of by reading on (events, back-tests, archives), need
/// <see cref="Permissions.FinanceRead"/>. The amounts of a single redemption are seen as well by those who redeem or give back,
/// because they work with them. What one enters oneself, approves or is quoted is no figure.
/// </summary>
internal static class Sums
{
    /// <summary>The members of events that are money, at any depth.</summary>
    public static FrozenSet<string> OfEvents { get; } =
        FrozenSet.Create(
            StringComparer.Ordinal,
            "amount",
            "amounts",
            "balance",
            "bound",
            "discount",
            "budget_minor",
            "discount_minor",
            "order_minor",
            "paid_minor",
            "total_minor"
        );

    /// <summary>The figures of a back-test within its operation.</summary>
    public static FrozenSet<string> OfOperations { get; } = FrozenSet.Create(StringComparer.Ordinal, "figures");

    /// <summary>The answers hold sums that their shape does not show: they are left out for those who may not see them.</summary>
    /// <param name="builder">The operation.</param>
    /// <param name="names">What they are called, at any depth.</param>
    public static TBuilder HidesSums<TBuilder>(this TBuilder builder, FrozenSet<string> names)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
            endpoint.Metadata.Add(new GuardedFact([new GuardedMembers([Permissions.FinanceRead], names)]))
        );
        return builder;
    }
}

/// <summary>An amount of a single redemption or order: seen by those who redeem or give back, and by those who see sums.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SingleAmountAttribute()
    : GuardedAttribute(Permissions.FinanceRead, Permissions.RedemptionsRedeem, Permissions.RedemptionsRollBack);
