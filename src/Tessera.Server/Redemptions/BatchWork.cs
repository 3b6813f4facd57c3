using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Platform;

namespace Tessera.Server.Redemptions;

/// <summary>What one batch has decided and the store will write, in one round trip.</summary>
internal sealed class BatchWork
{
    public required Hold Hold { get; init; }

    public List<NewRedemption> Redemptions { get; } = [];

    public List<NewReservation> Reservations { get; } = [];

    public List<(Guid Id, string Ending)> EndedReservations { get; } = [];

    public List<NewRollback> Rollbacks { get; } = [];

    public List<NewRefusal> Refusals { get; } = [];

    public List<(Guid AttemptId, Origin Origin)> Origins { get; } = [];

    public List<(Guid AttemptId, Guid? CustomerId, Arrival Arrival)> Arrivals { get; } = [];

    /// <summary>Attempts in which another coupon than that of the code is used.</summary>
    public List<(Guid AttemptId, StoodInFor For)> StandIns { get; } = [];

    /// <summary>Attempts whose discount was cut to what was left of a budget.</summary>
    public List<(Guid AttemptId, long LeftMinor)> Cuts { get; } = [];

    public List<Transfer> Transfers { get; } = [];

    public List<(Guid ReservationId, Leg Leg, DateTimeOffset ExpiresAt)> Holds { get; } = [];

    /// <summary>Holds that end with this batch; their rows were read under lock.</summary>
    public List<StandingHold> FreedHolds { get; } = [];

    public List<InstanceRow> NewInstances { get; } = [];

    public List<EventEntry> Events { get; } = [];

    public Dictionary<long, UsageChange> Usage { get; } = [];

    public List<(Asker Asker, Answer Answer)> Answers { get; } = [];

    /// <summary>Notes what is particular of a use: that another coupon stood in, and that a budget cut it.</summary>
    public void Note(Guid attempt, StoodInFor? stoodIn, Grant grant)
    {
        if (stoodIn is not null)
        {
            StandIns.Add((attempt, stoodIn));
        }

        if (grant.CutToMinor is { } left)
        {
            Cuts.Add((attempt, left));
        }
    }

    public UsageChange UsageOf(long couponId)
    {
        if (!Usage.TryGetValue(couponId, out var change))
        {
            Usage[couponId] = change = new UsageChange();
        }

        return change;
    }
}

/// <summary>What a batch adds to the figures of a coupon.</summary>
internal sealed class UsageChange
{
    public long Redeemed { get; set; }

    public long Refused { get; set; }

    public long RevenueMinor { get; set; }

    public long DiscountMinor { get; set; }

    public bool Used { get; set; }
}

internal sealed record NewRedemption(
    AttemptCommand Command,
    CouponTerms Coupon,
    InstanceRow Instance,
    Grant Grant,
    bool ByShared
);

internal sealed record NewReservation(
    AttemptCommand Command,
    CouponTerms Coupon,
    InstanceRow Instance,
    Grant Grant,
    bool ByShared,
    DateTimeOffset ExpiresAt
);

internal sealed record NewRollback(RollBackCommand Command, RedemptionRow Redemption, bool ReturnsUse);

internal sealed record NewRefusal(AttemptCommand Command, Refusal Refusal, CouponTerms? Coupon, long? InstanceId);
