using Tessera.Core.Coupons;

namespace Tessera.Core.Expiration;

/// <summary>What staff or a merchant does to units before or after their time (EXP-09, EXP-10).</summary>
public enum UnitAction
{
    /// <summary>Gives them a later end.</summary>
    Extend,

    /// <summary>Ends them now.</summary>
    Expire,

    /// <summary>Calls them off.</summary>
    Cancel,

    /// <summary>Puts those away whose life is over (EXP-16).</summary>
    Archive,

    /// <summary>Gives back what was paid for units that ended unused, where the coupon's terms say so (EXP-16).</summary>
    Refund,
}

/// <summary>A change of units.</summary>
/// <param name="Action">What is done.</param>
/// <param name="ValidUntil">The new end of an extension; null otherwise.</param>
/// <param name="ByOverride">Whether units that have expired may be extended too: staff alone, with a reason.</param>
public sealed record UnitChange(UnitAction Action, DateTimeOffset? ValidUntil, bool ByOverride)
{
    /// <summary>The new end is not after the present one.</summary>
    public static readonly Refusal NotLater = new("not_later", "This instance ends at that instant or later already.");

    /// <summary>Events and traces name it so.</summary>
    public string Cause =>
        Action switch
        {
            UnitAction.Extend when ByOverride => "extension_override",
            UnitAction.Extend => "extension",
            UnitAction.Expire => "forced",
            UnitAction.Archive => "archival",
            UnitAction.Refund => "unused_refund",
            _ => "cancellation",
        };

    /// <summary>Whether it puts away units whose life is over, instead of ending or lengthening one.</summary>
    public bool IsCleanup => Action is UnitAction.Archive or UnitAction.Refund;

    /// <summary>The state it leads to.</summary>
    public InstanceState To =>
        Action switch
        {
            UnitAction.Extend => InstanceState.Extended,
            UnitAction.Expire => InstanceState.Expired,
            UnitAction.Archive => InstanceState.Archived,
            UnitAction.Refund => InstanceState.Refunded,
            _ => InstanceState.Cancelled,
        };

    /// <summary>Whether one unit may be changed so.</summary>
    /// <param name="state">As it is at this instant: a lapsed hold counts no more.</param>
    /// <param name="validUntil">Its end.</param>
    /// <param name="now">The database clock, read after the unit was locked.</param>
    /// <returns>Null if so; else the reason (RUL-13).</returns>
    public Refusal? Decide(InstanceState state, DateTimeOffset validUntil, DateTimeOffset now)
    {
        if (state == InstanceState.Reserved)
        {
            return InstanceTransitions.HeldByCheckout;
        }

        if (state == InstanceState.Redeemed && Action != UnitAction.Archive)
        {
            return Refusals.AlreadyRedeemed;
        }

        var at = state.IsLive() && now >= validUntil ? InstanceState.Expired : state;
        if (at == InstanceState.Expired && !IsCleanup && !(Action == UnitAction.Extend && ByOverride))
        {
            return Refusals.Expired;
        }

        // What was redeemed may still be given back while its window is open.
        if (at == InstanceState.Redeemed && now < validUntil)
        {
            return InstanceTransitions.Illegal;
        }

        if (!InstanceTransitions.IsLegal(at, To, ByOverride))
        {
            return InstanceTransitions.Illegal;
        }

        return Action == UnitAction.Extend && ValidUntil <= validUntil ? NotLater : null;
    }
}
