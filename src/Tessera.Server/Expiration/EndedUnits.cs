using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// Writes the end of a unit into its row. The clock ends units without touching them; whoever goes on from
/// <c>expired</c>, by an override or a refund, calls this first, in the same transaction, so that row and log agree.
/// </summary>
public static class EndedUnits
{
    /// <summary>Sets a live unit that is past its end to <c>expired</c>, and tells of it if nobody has. Others are left alone.</summary>
    /// <param name="work">The transaction; it holds the units afterwards.</param>
    /// <param name="units">Ids of coupons with those of their units.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>The units whose rows were changed: their version is one more then.</returns>
    public static async Task<IReadOnlySet<long>> WriteDownAsync(
        UnitOfWork work,
        IEnumerable<(long CouponId, long Id)> units,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        UnitName[] wanted = [.. units.Select(static u => new UnitName(u.CouponId, u.Id))];
        var names = await ChangeStore.KeysAsync(work, wanted, null, cancel);
        var held = await UnitStore.HoldAsync(work, names.Values, cancel);
        var now = await work.ClockAsync(cancel);
        var ended = held.Where(u => u.Key.EndsAt <= now && u.State.IsLive() && u.State != InstanceState.Reserved)
            .ToList();
        await LateUnits.TellAsync(work, [.. ended.Where(u => LateUnits.IsLate(u, now))], now, cancel);
        if (ended.Count > 0)
        {
            await UnitStore.WriteAsync(work, ended, new UnitChange(UnitAction.Expire, null, ByOverride: false), cancel);
        }

        return ended.Select(static u => u.Key.Id).ToHashSet();
    }
}
