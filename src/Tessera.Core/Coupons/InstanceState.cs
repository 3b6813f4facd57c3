using System.Collections.Frozen;

namespace Tessera.Core.Coupons;

/// <summary>The states of a coupon instance (CPN-05, A.18).</summary>
public enum InstanceState
{
    /// <summary>Exists and may be used.</summary>
    Issued,

    /// <summary>Paid for by its holder.</summary>
    Paid,

    /// <summary>Held for one checkout.</summary>
    Reserved,

    /// <summary>Used.</summary>
    Redeemed,

    /// <summary>Its end is near and partners are being told; still usable until the end .</summary>
    PendingExpiration,

    /// <summary>Ended.</summary>
    Expired,

    /// <summary>Given a later end; usable.</summary>
    Extended,

    /// <summary>Out of the operational store.</summary>
    Archived,

    /// <summary>Called off by staff or merchant.</summary>
    Cancelled,

    /// <summary>The grant was withdrawn.</summary>
    Revoked,

    /// <summary>Its price was paid back.</summary>
    Refunded,
}

/// <summary>Names of the states on the wire and in tables.</summary>
public static class InstanceStates
{
    private static readonly FrozenDictionary<string, InstanceState> ByName = Enum.GetValues<InstanceState>()
        .ToFrozenDictionary(Name, StringComparer.Ordinal);

    /// <summary>The name in API and database: <c>pending_expiration</c>.</summary>
    public static string Name(this InstanceState state) =>
        state switch
        {
            InstanceState.Issued => "issued",
            InstanceState.Paid => "paid",
            InstanceState.Reserved => "reserved",
            InstanceState.Redeemed => "redeemed",
            InstanceState.PendingExpiration => "pending_expiration",
            InstanceState.Expired => "expired",
            InstanceState.Extended => "extended",
            InstanceState.Archived => "archived",
            InstanceState.Cancelled => "cancelled",
            InstanceState.Revoked => "revoked",
            InstanceState.Refunded => "refunded",
            _ => throw new ArgumentOutOfRangeException(nameof(state)),
        };

    /// <summary>The state of a stored name.</summary>
    /// <exception cref="KeyNotFoundException">No state has this name.</exception>
    public static InstanceState Parse(string name) => ByName[name];

    /// <summary>Live: may still be used before its end.</summary>
    public static bool IsLive(this InstanceState state) =>
        state
            is InstanceState.Issued
                or InstanceState.Paid
                or InstanceState.Reserved
                or InstanceState.Extended
                or InstanceState.PendingExpiration;
}
