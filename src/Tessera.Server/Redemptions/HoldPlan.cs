using System.Runtime.InteropServices;
using Tessera.Core.Limits;

namespace Tessera.Server.Redemptions;

/// <summary>What a batch has to lock, from what its commands were resolved to.</summary>
internal sealed class HoldPlan
{
    private readonly Dictionary<long, long> _versions = [];
    private readonly HashSet<Guid> _reservations = [];

    public SortedSet<string> Campaigns { get; } = new(StringComparer.Ordinal);

    public SortedSet<long> Coupons { get; } = [];

    /// <summary>Keys of the units, in the order in which they are locked.</summary>
    public SortedSet<(DateTimeOffset End, long Id)> Instances { get; } = [];

    public HashSet<Guid> Accounts { get; } = [];

    /// <summary>
    /// Of these, those a use may come to: opened before they are locked, as what is not there cannot be.
    /// </summary>
    public Dictionary<Guid, LimitAccount> Opened { get; } = [];

    /// <summary>
    /// Uses that are counted by the statement that locks their account, when all the batch does is redeem: most are
    /// granted, and need no second writing. What is refused is taken back with what else the batch writes.
    /// </summary>
    public Dictionary<Guid, UseAhead> UsesAhead { get; } = [];

    /// <summary>Whether units are redeemed and uses counted by the locking statements themselves.</summary>
    public bool IsAhead { get; private set; }

    public HashSet<Guid> CampaignAccounts { get; } = [];

    public HashSet<(string Campaign, Guid Customer)> Audience { get; } = [];

    public HashSet<Guid> FirstOrders { get; } = [];

    public List<(int Place, long Coupon, string[] Products)> Products { get; } = [];

    /// <summary>Orders a shared code is to be used on.</summary>
    public HashSet<(long Coupon, string Channel, string Reference)> Orders { get; } = [];

    /// <summary>What the commands at the given places need.</summary>
    public static HoldPlan Of(IReadOnlyList<RedemptionCommand> commands, List<int> pending, Resolution found)
    {
        var plan = new HoldPlan
        {
            // Beside other commands the accounts must be locked in one order together, so nothing is ahead.
            // So they must where another coupon may stand in: only the decision says which of the two is used.
            IsAhead = pending.TrueForAll(place =>
                commands[place] is AttemptCommand { Operation: Operation.Redeem, ReservationId: null } attempt
                && found.Codes.GetValueOrDefault(attempt.Code)?.Fallback is null
            ),
        };
        foreach (var place in pending)
        {
            switch (commands[place])
            {
                case AttemptCommand attempt when found.Codes.TryGetValue(attempt.Code, out var target):
                    var own = attempt.ReservationId is { } id ? found.Reservations.GetValueOrDefault(id) : null;
                    plan.AddAttempt(place, attempt, target, own);
                    if (target.Fallback is { } fallback)
                    {
                        plan.AddAttempt(place, attempt, fallback, null);
                    }

                    break;
                case ReleaseCommand release when found.Reservations.TryGetValue(release.ReservationId, out var held):
                    plan.AddReservation(held);
                    break;
                case RollBackCommand rollBack when found.Redemptions.TryGetValue(rollBack.RedemptionId, out var used):
                    plan.AddRedemption(used);
                    break;
                default:
                    // Names nothing that exists: it is refused without a lock.
                    break;
            }
        }

        return plan;
    }

    /// <summary>Whether what was resolved before the locks is still so.</summary>
    /// <exception cref="StaleResolutionException">It is not; the command is to be resolved again.</exception>
    public void ThrowIfStale(Hold hold)
    {
        if (
            _versions.Any(v => !hold.Coupons.TryGetValue(v.Key, out var coupon) || coupon.Version != v.Value)
            || Instances.Any(key => !hold.Instances.ContainsKey(key.Id))
        )
        {
            throw new StaleResolutionException();
        }
    }

    /// <summary>Reservations whose holds the batch may free: those named, and those that lapsed on a unit it holds.</summary>
    public HashSet<Guid> ReservationsIn(Hold hold)
    {
        var reservations = new HashSet<Guid>(_reservations);
        foreach (var instance in hold.Instances.Values)
        {
            if (instance.ReservationId is { } id && instance.ReservedUntil <= hold.Now)
            {
                reservations.Add(id);
            }
        }

        return reservations;
    }

    /// <summary>Accounts with something held, of which some may have lapsed.</summary>
    public List<Guid> AccountsWithHolds(Hold hold) =>
        [.. Accounts.Concat(CampaignAccounts).Where(id => hold.Book.Pending(id) > 0)];

    /// <summary>Adds what one attempt decides on.</summary>
    private void AddAttempt(int place, AttemptCommand attempt, CodeTarget target, ReservationRow? reservation)
    {
        Coupons.Add(target.CouponId);
        _versions[target.CouponId] = target.CouponVersion;
        if (target.InstanceId is { } instance)
        {
            AddInstance(instance, target.InstanceEnd!.Value);
        }
        else if (attempt.Order.Reference.Length > 0)
        {
            Orders.Add((target.CouponId, attempt.Channel ?? "", attempt.Order.Reference));
        }

        if (reservation is not null)
        {
            AddReservation(reservation);
        }

        if (target.MaxUsesTotal is not null)
        {
            AddUse(LimitAccount.OfCoupon(target.CouponId, target.MaxUsesTotal));
        }

        AddUse(LimitAccount.OfCustomer(target.CouponId, attempt.CustomerId, target.MaxUsesPerUser));
        if (target.IsForFirstOrders)
        {
            AddUse(LimitAccount.OfFirstOrder(attempt.CustomerId));
            FirstOrders.Add(attempt.CustomerId);
        }

        if (target.CampaignId is { } campaign)
        {
            Campaigns.Add(campaign);
            CampaignAccounts.Add(LimitAccount.OfBudget(campaign, "", 1).Id);
            CampaignAccounts.Add(LimitAccount.OfCampaignUses(campaign, 1).Id);
            if (target.IsPrivate)
            {
                Audience.Add((campaign, attempt.CustomerId));
            }
        }

        if (target.HasProducts && attempt.Products is { Count: > 0 } products)
        {
            Products.Add((place, target.CouponId, [.. products]));
        }
    }

    private void AddUse(LimitAccount account)
    {
        Accounts.Add(account.Id);
        if (!IsAhead)
        {
            Opened[account.Id] = account;
        }
        else
        {
            ref var use = ref CollectionsMarshal.GetValueRefOrAddDefault(UsesAhead, account.Id, out _);
            use = new UseAhead(account, Math.Min(use.Count + 1, account.Bound!.Value));
        }
    }

    /// <summary>Adds a hold that may end.</summary>
    private void AddReservation(ReservationRow reservation)
    {
        _reservations.Add(reservation.Id);
        Coupons.Add(reservation.CouponId);
        AddInstance(reservation.InstanceId, reservation.InstanceEnd);
        Accounts.UnionWith(reservation.AccountIds);
    }

    /// <summary>Adds a redemption that may be given back.</summary>
    private void AddRedemption(RedemptionRow redemption)
    {
        Coupons.Add(redemption.CouponId);
        AddInstance(redemption.InstanceId, redemption.InstanceEnd);

        // The total may have been set after the use, which then has no posting on it and yet gives one back.
        Accounts.Add(LimitAccount.OfCoupon(redemption.CouponId, null).Id);
        Accounts.UnionWith(redemption.AccountIds);
    }

    private void AddInstance(long id, DateTimeOffset end) => Instances.Add((end, id));
}

/// <summary>Uses of an account that the batch asks for, never more than its bound.</summary>
internal readonly record struct UseAhead(LimitAccount Account, long Count);

/// <summary>What was read before locking has changed meanwhile; the lane runs the command again.</summary>
internal sealed class StaleResolutionException() : Exception("A coupon or instance changed before it was locked.");
