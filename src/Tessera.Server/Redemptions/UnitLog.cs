using System.Globalization;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Redemptions;

/// <summary>Tells the log what became of a unit.</summary>
internal static class UnitLog
{
    /// <summary>Adds the event of one step; the unit is where it is now.</summary>
    /// <param name="work">The decision it belongs to.</param>
    /// <param name="asker">Who asked.</param>
    /// <param name="instance">The unit.</param>
    /// <param name="from">Where it was.</param>
    /// <param name="cause">Why.</param>
    /// <param name="more">Further members.</param>
    public static void Add(
        BatchWork work,
        Asker asker,
        InstanceRow instance,
        InstanceState from,
        string cause,
        params ReadOnlySpan<(string Name, object? Value)> more
    )
    {
        // A unit made here is issued by the same event that tells its first use.
        var isFirst = instance is { IsNew: true, Version: 2 };
        (string, object?)[] members =
        [
            ("from", from.Name()),
            ("to", instance.State.Name()),
            ("cause", cause),
            ("coupon_id", instance.CouponId),
            .. more,
        ];
        work.Events.Add(
            new EventEntry(
                "instance",
                instance.Id.ToString(CultureInfo.InvariantCulture),
                "coupon.state_changed",
                instance.Version,
                asker.Actor,
                EventLog.Payload(isFirst ? [.. members, ("new", true)] : members),
                asker.RequestId
            )
        );
    }
}
