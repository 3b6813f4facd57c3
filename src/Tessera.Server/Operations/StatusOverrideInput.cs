using Tessera.Core;

namespace Tessera.Server.Operations;

/// <summary>What an override is to do.</summary>
/// <param name="CouponId">The definition of the unit.</param>
/// <param name="InstanceId">The unit.</param>
/// <param name="To">Its state after.</param>
/// <param name="Cause">Why, as a word.</param>
/// <param name="Redemption">What took place, where a redemption is recorded.</param>
internal sealed record StatusOverrideInput(
    long CouponId,
    long InstanceId,
    string To,
    string Cause,
    RecordedRedemption? Redemption
);

/// <summary>A redemption that took place and was never recorded.</summary>
/// <param name="RedeemedAt">When; within the unit's window.</param>
/// <param name="OrderReference">The order, by the merchant's name of it: the evidence.</param>
/// <param name="Order">What the order came to.</param>
/// <param name="Discount">What was given; at most the order.</param>
/// <param name="CustomerId">Who used it; null for the unit's holder.</param>
internal sealed record RecordedRedemption(
    DateTimeOffset RedeemedAt,
    string OrderReference,
    Money Order,
    Money Discount,
    Guid? CustomerId
);
