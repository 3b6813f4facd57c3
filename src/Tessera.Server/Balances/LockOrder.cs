using Tessera.Core.Limits;

namespace Tessera.Server.Balances;

/// <summary>
/// The order in which accounts are locked: by id, uses of coupons last. Everybody who uses a shared code waits for that one
/// row, so it is held from as late as can be.
/// </summary>
public static class LockOrder
{
    /// <summary>To sort by, of <c>balances.account a</c>.</summary>
    public const string Sql = "a.kind = 'coupon_uses', a.id";

    /// <summary>The same order.</summary>
    public static IComparer<LimitAccount> Comparer { get; } =
        Comparer<LimitAccount>.Create(
            static (one, other) =>
                IsLast(one) == IsLast(other) ? one.Id.CompareTo(other.Id) : IsLast(one).CompareTo(IsLast(other))
        );

    private static bool IsLast(LimitAccount account) => account.Kind == AccountKinds.CouponUses;
}
