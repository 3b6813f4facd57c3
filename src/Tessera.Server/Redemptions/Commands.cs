using System.Net;
using Tessera.Core;
using Tessera.Core.Coupons;

namespace Tessera.Server.Redemptions;

/// <summary>What a contested operation of this room does.</summary>
public enum Operation
{
    /// <summary>Ask whether and for how much a coupon could be used; nothing is held or written (RED-04).</summary>
    Validate,

    /// <summary>Use a coupon now (RED-06).</summary>
    Redeem,

    /// <summary>Hold a use for a checkout (RED-05).</summary>
    Reserve,

    /// <summary>End a hold (RED-05).</summary>
    Release,

    /// <summary>Give a redemption back (RED-12).</summary>
    RollBack,
}

/// <summary>Who asks, and under which key the answer is kept.</summary>
/// <param name="ClientId">The API key or job.</param>
/// <param name="MerchantId">The merchant it acts for; null for the whole deployment.</param>
/// <param name="Actor">For the log: <c>key:…</c> or <c>job:…</c>.</param>
/// <param name="MayExplain">Sees the true reason of every refusal (convention 12).</param>
/// <param name="KeyHash">Realm, client, operation and idempotency key, hashed (convention 14); empty for none.</param>
/// <param name="RequestHash">The request, hashed (convention 15).</param>
/// <param name="RequestId">Correlation id.</param>
/// <param name="Path">Of the request, for problems.</param>
public sealed record Asker(
    Guid ClientId,
    Guid? MerchantId,
    string Actor,
    bool MayExplain,
    Guid KeyHash,
    Guid RequestHash,
    string RequestId,
    string Path
);

/// <summary>Where an attempt came from (RED-14); kept apart from the attempt.</summary>
/// <param name="Ip">Of the customer.</param>
/// <param name="DeviceFingerprint">Of the customer's device.</param>
/// <param name="EmailHash">SHA-256 of the normalised address; the address itself is never kept here.</param>
public sealed record Origin(IPAddress? Ip, string? DeviceFingerprint, byte[]? EmailHash);

/// <summary>What brought the customer: values of the link that was followed, kept with the attempt (CMP-02).</summary>
/// <param name="CampaignSource">As the shop names it.</param>
/// <param name="UtmSource">For example newsletter.</param>
/// <param name="UtmMedium">For example email.</param>
/// <param name="UtmCampaign">Its name in web analytics.</param>
public sealed record Arrival(string? CampaignSource, string? UtmSource, string? UtmMedium, string? UtmCampaign);

/// <summary>One command on the redemption lanes.</summary>
/// <param name="Operation">What is asked.</param>
/// <param name="Asker">Who asks.</param>
public abstract record RedemptionCommand(Operation Operation, Asker Asker)
{
    /// <summary>Commands on the same hot row share a lane.</summary>
    public abstract int Route { get; }
}

/// <summary>Redeem or reserve.</summary>
/// <param name="Operation">Validate, reserve or redeem.</param>
/// <param name="Asker">Who asks.</param>
/// <param name="Code">In its normal form.</param>
/// <param name="CustomerId">Who uses it.</param>
/// <param name="Order">What it is used on.</param>
/// <param name="Channel">Where.</param>
/// <param name="Products">SKUs on the order, for coupons limited to products.</param>
/// <param name="ReservationId">The hold to redeem.</param>
/// <param name="HoldSeconds">How long to hold, for reservations.</param>
/// <param name="Origin">Where the attempt came from.</param>
/// <param name="Id">Of the redemption, reservation or refusal this becomes.</param>
public sealed record AttemptCommand(
    Operation Operation,
    Asker Asker,
    string Code,
    Guid CustomerId,
    OrderFacts Order,
    string? Channel,
    IReadOnlyList<string>? Products,
    Guid? ReservationId,
    int HoldSeconds,
    Origin? Origin,
    Guid Id
) : RedemptionCommand(Operation, Asker)
{
    /// <summary>How long a hold lasts unless asked otherwise (RED-05).</summary>
    public const int DefaultHoldSeconds = 15 * 60;

    /// <summary>The longest hold.</summary>
    public const int MaximumHoldSeconds = 24 * 60 * 60;

    /// <summary>What brought the customer.</summary>
    public Arrival? Arrival { get; init; }

    /// <inheritdoc/>
    public override int Route => string.GetHashCode(Code, StringComparison.Ordinal);
}

/// <summary>End a hold: on request, or because it lapsed.</summary>
/// <param name="Asker">Who asks.</param>
/// <param name="ReservationId">The hold.</param>
/// <param name="Lapse">Only if its time is over; by the worker.</param>
public sealed record ReleaseCommand(Asker Asker, Guid ReservationId, bool Lapse)
    : RedemptionCommand(Operation.Release, Asker)
{
    /// <inheritdoc/>
    public override int Route => ReservationId.GetHashCode();
}

/// <summary>Give a redemption back.</summary>
/// <param name="Asker">Who asks.</param>
/// <param name="RedemptionId">Which.</param>
/// <param name="ReturnUse">Whether the use may be had again (RED-12).</param>
/// <param name="Reason">For the record.</param>
/// <param name="Id">Of the rollback.</param>
public sealed record RollBackCommand(Asker Asker, Guid RedemptionId, bool ReturnUse, string Reason, Guid Id)
    : RedemptionCommand(Operation.RollBack, Asker)
{
    /// <inheritdoc/>
    public override int Route => RedemptionId.GetHashCode();
}

/// <summary>What is answered after the commit.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">As sent and as kept under the idempotency key.</param>
/// <param name="Location">Of what was made.</param>
/// <param name="Replayed">The answer of an earlier, equal request.</param>
/// <param name="Refusal">Why not; null for a yes, and for replays.</param>
/// <param name="DiscountMinor">What was given; null for a no, and for replays.</param>
public sealed record Answer(
    int Status,
    byte[] Body,
    string? Location = null,
    bool Replayed = false,
    Refusal? Refusal = null,
    long? DiscountMinor = null
)
{
    /// <summary>Whether the coupon was redeemed, reserved, released or given back.</summary>
    public bool Accepted => Status is >= 200 and < 300;
}
