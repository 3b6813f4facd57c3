using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>A promotion or coupon held for a checkout, as stored.</summary>
/// <param name="Id">Of its hold; of the reservation of the unit, where a coupon is held.</param>
/// <param name="CouponId">The coupon; null for a promotion that applies by itself.</param>
/// <param name="Code">As typed, in its normal form.</param>
/// <param name="AccountIds">Where it holds.</param>
internal sealed record HeldPromotion(Guid Id, long? CouponId, string? Code, Guid[] AccountIds);

/// <summary>A reservation of a cart, as stored.</summary>
internal sealed record HeldOrder(
    Guid Id,
    Guid? MerchantId,
    Guid? CustomerId,
    string Reference,
    DateTimeOffset ExpiresAt,
    string? Ending,
    IReadOnlyList<HeldPromotion> Promotions
);

/// <summary>A promotion or coupon used on an order, as stored, with what it posted.</summary>
internal sealed record StoredUse(
    Guid Id,
    string PromotionId,
    long? CouponId,
    long DiscountMinor,
    long ReturnedMinor,
    bool IsOver,
    string[] Targets,
    string[] TargetIds,
    long[] Amounts,
    Guid[] AccountIds,
    long[] Posted,
    bool[] AreUses,
    DateTimeOffset? WindowEnd,
    bool RolledBack
);

/// <summary>An order, as stored.</summary>
internal sealed record StoredOrder(
    Guid Id,
    Guid? MerchantId,
    Guid? CustomerId,
    string Reference,
    string? Channel,
    string Currency,
    long TotalMinor,
    string Cart,
    DateTimeOffset PlacedAt,
    string? Ending,
    int Version,
    long PaidBackMinor,
    IReadOnlyList<StoredUse> Uses
);

/// <summary>Everything about orders that was read before locking.</summary>
internal sealed class OrderResolution
{
    /// <summary>The clock then: it says in which periods limits are planned.</summary>
    public DateTimeOffset Clock { get; set; }

    /// <summary>The reservations that are named, as far as the caller may see them.</summary>
    public List<HeldOrder> Reservations { get; } = [];

    /// <summary>What they hold.</summary>
    public IEnumerable<HeldPromotion> Held => Reservations.SelectMany(static r => r.Promotions);

    /// <summary>The order that stands under this reference.</summary>
    public StoredOrder? Standing { get; set; }

    /// <summary>Whether the directory knows the customer.</summary>
    public bool IsCustomer { get; set; }
}

/// <summary>A promotion that may apply, with the rows behind it that are under lock.</summary>
internal sealed class Candidate : CartCandidate
{
    /// <summary>The attempt of its code; null for a promotion that applies by itself.</summary>
    public AttemptCommand? Attempt { get; init; }

    /// <summary>The unit of its code, or the one that was held for this checkout.</summary>
    public InstanceRow? Instance { get; init; }

    /// <summary>The hold of this checkout on it.</summary>
    public ReservationRow? Own { get; init; }
}
