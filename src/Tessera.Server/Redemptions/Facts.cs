using Tessera.Core.Coupons;

namespace Tessera.Server.Redemptions;

/// <summary>What a code stands for, as read before anything is locked.</summary>
internal sealed record CodeTarget(
    long CouponId,
    long? InstanceId,
    DateTimeOffset? InstanceEnd,
    string? CampaignId,
    bool IsPrivate,
    bool HasProducts,
    long? MaxUsesTotal,
    int MaxUsesPerUser,
    bool IsForFirstOrders,
    long CouponVersion,
    DateTimeOffset CouponEnd
)
{
    /// <summary>What stands in for it when it is exhausted or not eligible (CMP-01); for shared codes.</summary>
    public CodeTarget? Fallback { get; init; }
}

/// <summary>A coupon whose code was typed and that another one stood in for.</summary>
/// <param name="CouponId">The coupon of the code.</param>
/// <param name="Reason">Why it could not be used itself.</param>
internal sealed record StoodInFor(long CouponId, string Reason)
{
    /// <summary>What the log says of it.</summary>
    public (string, object?)[] Members => [("fallback_for", CouponId), ("fallback_reason", Reason)];
}

/// <summary>A reservation as stored.</summary>
internal sealed record ReservationRow(
    Guid Id,
    long CouponId,
    long InstanceId,
    DateTimeOffset InstanceEnd,
    Guid CustomerId,
    Guid? MerchantId,
    DateTimeOffset ExpiresAt,
    string? Ending,
    Guid[] AccountIds,
    bool ByShared,
    StoodInFor? StoodInFor = null
);

/// <summary>A redemption as stored, with the accounts it posted on.</summary>
internal sealed record RedemptionRow(
    Guid Id,
    long CouponId,
    long InstanceId,
    DateTimeOffset InstanceEnd,
    Guid CustomerId,
    Guid? MerchantId,
    long OrderMinor,
    long DiscountMinor,
    string Currency,
    DateTimeOffset DecidedAt,
    DateTimeOffset? RolledBackAt,
    Guid[] AccountIds,
    long[] Amounts,
    bool ByShared,
    string OrderReference,
    DateTimeOffset WindowEnd,
    bool[] AreUses
);

/// <summary>An answer kept under an idempotency key.</summary>
internal sealed record KeptAnswer(Guid RequestHash, Answer Answer);

/// <summary>Everything read before locking; any of it may have changed when the locks are held.</summary>
internal sealed class Resolution
{
    public Dictionary<Guid, KeptAnswer> Kept { get; } = [];

    public Dictionary<string, CodeTarget> Codes { get; } = new(StringComparer.Ordinal);

    public HashSet<Guid> Customers { get; } = [];

    /// <summary>Those of them whom staff has blocked from using coupons.</summary>
    public HashSet<Guid> Blocked { get; } = [];

    public Dictionary<Guid, ReservationRow> Reservations { get; } = [];

    public Dictionary<Guid, RedemptionRow> Redemptions { get; } = [];
}

/// <summary>A unit under its lock, changed by the decisions of the batch.</summary>
internal sealed class InstanceRow
{
    public required long Id { get; init; }

    public required DateTimeOffset ValidUntil { get; init; }

    public required DateTimeOffset ValidFrom { get; init; }

    public required long CouponId { get; init; }

    /// <summary>The holder; a unit without one belongs to whoever brings the code, before and after a use.</summary>
    public Guid? CustomerId { get; init; }

    public InstanceState State { get; private set; }

    public InstanceState? Prior { get; private set; }

    public Guid? ReservationId { get; private set; }

    public DateTimeOffset? ReservedUntil { get; private set; }

    public long Version { get; private set; }

    /// <summary>Made by this batch, so it is inserted and not updated.</summary>
    public bool IsNew { get; init; }

    /// <summary>Changed by this batch.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>The stored row is already redeemed, one version on, from the state taken in.</summary>
    public bool IsAhead { get; private set; }

    /// <summary>Whether a stored row is not as the batch leaves it.</summary>
    public bool NeedsWriting => !IsNew && (IsAhead ? State != InstanceState.Redeemed : IsChanged);

    public string? Channel { get; init; }

    public Guid? MerchantId { get; init; }

    public string? CampaignId { get; init; }

    public HeldInstance Held => new(State, Prior, CustomerId, ValidFrom, ValidUntil, ReservationId, ReservedUntil);

    public void Load(InstanceState state, InstanceState? prior, Guid? reservation, DateTimeOffset? until, long version)
    {
        (State, Prior, ReservationId, ReservedUntil, Version) = (state, prior, reservation, until, version);
    }

    /// <summary>
    /// Takes in a row that the lock itself has moved on to redeemed, as it was before: what is decided to stay so needs
    /// no second writing, and what is refused is written back.
    /// </summary>
    public void LoadAhead(InstanceState before, long versionBefore)
    {
        (State, Version) = (before, versionBefore);
        IsAhead = true;
    }

    public void Redeem()
    {
        Prior = State == InstanceState.Reserved ? Prior : State;
        (State, ReservationId, ReservedUntil) = (InstanceState.Redeemed, null, null);
        Change();
    }

    public void Reserve(Guid reservation, DateTimeOffset until)
    {
        Prior = State;
        (State, ReservationId, ReservedUntil) = (InstanceState.Reserved, reservation, until);
        Change();
    }

    /// <summary>Back to where it was before a hold or a redemption.</summary>
    public void Return()
    {
        (State, Prior, ReservationId, ReservedUntil) = (Prior ?? InstanceState.Issued, null, null, null);
        Change();
    }

    /// <summary>A unit of a shared code that was given back: nobody can ask for it again, so it ends.</summary>
    public void Cancel()
    {
        State = InstanceState.Cancelled;
        Change();
    }

    private void Change()
    {
        Version++;
        IsChanged = true;
    }
}

/// <summary>Everything under lock, and the instant read after the last lock was taken.</summary>
internal sealed class Hold
{
    public DateTimeOffset Now { get; set; }

    public Dictionary<long, CouponTerms> Coupons { get; } = [];

    public Dictionary<long, InstanceRow> Instances { get; } = [];

    public HashSet<(string Campaign, Guid Customer)> Audience { get; } = [];

    public HashSet<Guid> CustomersWithOrders { get; } = [];

    /// <summary>Coupons that an active promotion prices: by the lines of a cart, within limits of its own.</summary>
    public HashSet<long> NeedCarts { get; } = [];

    /// <summary>Orders on which a shared code stands, with their channel.</summary>
    public HashSet<(long Coupon, string Channel, string Reference)> UsedOrders { get; } = [];

    /// <summary>Places of the commands whose order holds a product the coupon is good for.</summary>
    public HashSet<(int Place, long Coupon)> WithProducts { get; } = [];

    public Core.Limits.LimitBook Book { get; } = new();
}
