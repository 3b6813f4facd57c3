using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Server.Balances;
using Tessera.Server.Platform;

namespace Tessera.Server.Redemptions;

/// <summary>
/// Decides the commands of one batch in order of arrival against what is under lock, and collects what to write. Each
/// decision changes the rows the next one sees. No I/O: <see cref="Redeeming"/> is asked for every yes or no.
/// </summary>
internal sealed class Deciding
{
    private readonly Resolution _found;
    private readonly Hold _hold;
    private readonly InstanceIds _ids;
    private readonly Answers _answers;
    private readonly Dictionary<Guid, List<StandingHold>> _holds;
    private readonly HashSet<Guid> _rolledBack = [];

    public Deciding(Resolution found, Hold hold, List<StandingHold> holds, InstanceIds ids, Answers answers)
    {
        _found = found;
        _hold = hold;
        _ids = ids;
        _answers = answers;
        Work = new BatchWork { Hold = hold };
        _holds = holds.GroupBy(h => h.ReservationId).ToDictionary(g => g.Key, g => g.ToList());
        foreach (var reservation in _holds.Keys.ToList())
        {
            // What has lapsed is free whatever the batch decides (RED-05).
            Free(reservation, hold => hold.ExpiresAt <= _hold.Now);
        }
    }

    /// <summary>What the decisions so far come to.</summary>
    public BatchWork Work { get; }

    private DateTimeOffset Now => _hold.Now;

    /// <summary>Decides one command.</summary>
    /// <param name="place">Of the command in its batch.</param>
    /// <param name="command">What is asked.</param>
    public Answer Decide(int place, RedemptionCommand command) =>
        command switch
        {
            AttemptCommand attempt => Attempt(place, attempt),
            ReleaseCommand release => Release(release),
            RollBackCommand rollBack => RollBack(rollBack),
            _ => throw new ArgumentOutOfRangeException(nameof(command)),
        };

    private Answer Attempt(int place, AttemptCommand attempt)
    {
        if (!_found.Customers.Contains(attempt.CustomerId))
        {
            return _answers.Refused(attempt.Asker, Refusals.UnknownCustomer);
        }

        var target = _found.Codes.GetValueOrDefault(attempt.Code);
        var own = attempt.ReservationId is { } id ? _found.Reservations.GetValueOrDefault(id) : null;
        StoodInFor? stoodIn = null;
        if (
            own?.StoodInFor is { } held
            && held.CouponId == target?.CouponId
            && own.CouponId == target.Fallback?.CouponId
        )
        {
            // What is held stood in already.
            (stoodIn, target) = (held, target.Fallback);
        }

        var coupon = target is null ? null : _hold.Coupons[target.CouponId];
        if (attempt.ReservationId is not null && Unredeemable(own, target, attempt) is { } unredeemable)
        {
            return Refuse(attempt, coupon, null, unredeemable);
        }

        var instance = (own?.InstanceId ?? target?.InstanceId) is { } instanceId ? _hold.Instances[instanceId] : null;
        if (instance is { State: InstanceState.Reserved } && instance.ReservedUntil <= Now)
        {
            EndReservation(instance, "lapsed", own?.ByShared ?? false, attempt.Asker);
        }

        if (own is not null && instance!.ReservationId != own.Id)
        {
            return Refuse(attempt, coupon, instance, Refusals.ReservationEnded);
        }

        // A hold of one's own stands for the use it becomes: it is free while the use is decided.
        var kept = own is null ? [] : _holds.GetValueOrDefault(own.Id) ?? [];
        Move(kept, free: true);
        var (grant, refusal) = Decide(place, attempt, target, coupon, instance, own?.Id);
        Move(kept, free: false);
        if (
            refusal is not null
            && own is null
            && target?.Fallback is { } fallback
            && Reasons.AllowFallback(refusal.Code)
        )
        {
            var other = _hold.Coupons[fallback.CouponId];
            (grant, var no) = Decide(place, attempt, fallback, other, null, null);
            if (grant is not null)
            {
                (coupon, stoodIn, refusal) = (other, new StoodInFor(target.CouponId, refusal.Code), null);
            }
            else if (no == Refusals.AlreadyRedeemed)
            {
                // It stands on this very order, in the stead of the one whose code was typed.
                refusal = no;
            }
        }

        if (refusal is not null)
        {
            return Refuse(attempt, coupon, instance, refusal);
        }

        if (attempt.Operation != Operation.Validate)
        {
            Work.Note(attempt.Id, stoodIn, grant!);
        }

        var used = new Use(coupon!, instance, grant!, stoodIn);
        return attempt.Operation switch
        {
            Operation.Validate => Answers.Valid(attempt, coupon!, grant!, stoodIn),
            Operation.Reserve => Reserve(attempt, used),
            _ => Redeem(attempt, used, own),
        };
    }

    private (Grant? Grant, Refusal? Refusal) Decide(
        int place,
        AttemptCommand attempt,
        CodeTarget? target,
        CouponTerms? coupon,
        InstanceRow? instance,
        Guid? own
    )
    {
        var holder = new HolderFacts(
            attempt.CustomerId,
            attempt.Channel,
            attempt.Asker.MerchantId,
            coupon?.Campaign is { } campaign && _hold.Audience.Contains((campaign.Id, attempt.CustomerId)),
            _hold.CustomersWithOrders.Contains(attempt.CustomerId),
            coupon is not null && _hold.WithProducts.Contains((place, coupon.Id)),
            target is { InstanceId: null } && _hold.UsedOrders.Contains(OrderOf(target.CouponId, attempt)),
            _found.Blocked.Contains(attempt.CustomerId)
        );
        var (grant, refusal) = Redeeming.Decide(coupon, instance?.Held, attempt.Order, holder, own, _hold.Book, Now);

        // Said last, so that nobody learns of a coupon by it.
        return grant is not null && _hold.NeedCarts.Contains(coupon!.Id)
            ? (null, Refusals.NeedsCart)
            : (grant, refusal);
    }

    private static Refusal? Unredeemable(ReservationRow? own, CodeTarget? target, AttemptCommand attempt)
    {
        if (own is null || (attempt.Asker.MerchantId is { } merchant && own.MerchantId != merchant))
        {
            return Refusals.ReservationNotFound;
        }

        return
            own.CustomerId != attempt.CustomerId
            || own.CouponId != target?.CouponId
            || (target.InstanceId is { } unit && unit != own.InstanceId)
            ? Refusals.ReservationMismatch
            : null;
    }

    private Answer Redeem(AttemptCommand attempt, Use used, ReservationRow? own)
    {
        var (coupon, instance, grant, stoodIn) = used;
        var byShared = instance is null || (own?.ByShared ?? false);
        instance ??= NewUnit(attempt, coupon);
        var from = instance.State;
        if (own is not null)
        {
            Free(own.Id, static _ => true);
            Work.EndedReservations.Add((own.Id, "redeemed"));
        }

        instance.Redeem();
        _hold.Book.Post(grant.Legs);
        _hold.CustomersWithOrders.Add(attempt.CustomerId);
        if (byShared)
        {
            _hold.UsedOrders.Add(OrderOf(coupon.Id, attempt));
        }

        Work.Transfers.Add(TransferOf(attempt.Id, "post", attempt.Id, grant.Legs));
        Work.Redemptions.Add(new NewRedemption(attempt, coupon, instance, grant, byShared));
        AddOrigin(attempt);

        var usage = Work.UsageOf(coupon.Id);
        usage.Redeemed++;
        usage.RevenueMinor += attempt.Order.AmountMinor - grant.DiscountMinor;
        usage.DiscountMinor += grant.DiscountMinor;
        usage.Used = true;

        Log(
            instance,
            from,
            "redemption",
            attempt.Asker,
            [
                ("redemption_id", attempt.Id),
                ("customer_id", attempt.CustomerId),
                ("order_minor", attempt.Order.AmountMinor),
                ("discount_minor", grant.DiscountMinor),
                ("currency", attempt.Order.Currency),
                .. stoodIn?.Members ?? [],
            ]
        );
        LogLimitReached(coupon, attempt.Asker);
        return Answers.Redeemed(attempt, coupon, instance, grant, stoodIn, Now);
    }

    private Answer Reserve(AttemptCommand attempt, Use used)
    {
        var (coupon, instance, grant, stoodIn) = used;
        var byShared = instance is null;
        instance ??= NewUnit(attempt, coupon);
        var from = instance.State;

        // A.18: a hold lapses at the end of the coupon; it does not extend it.
        var until = Now.AddSeconds(attempt.HoldSeconds);
        until = until > grant.ValidUntil ? grant.ValidUntil : until;
        instance.Reserve(attempt.Id, until);
        _hold.Book.Hold(grant.Legs);
        Work.Transfers.Add(TransferOf(attempt.Id, "hold", attempt.Id, grant.Legs));
        foreach (var leg in grant.Legs)
        {
            Work.Holds.Add((attempt.Id, leg, until));
        }

        Work.Reservations.Add(new NewReservation(attempt, coupon, instance, grant, byShared, until));
        AddOrigin(attempt);
        Log(
            instance,
            from,
            "reservation",
            attempt.Asker,
            [("reservation_id", attempt.Id), ("customer_id", attempt.CustomerId), .. stoodIn?.Members ?? []]
        );
        return Answers.Reserved(attempt, coupon, instance, grant, stoodIn, until);
    }

    private Answer Release(ReleaseCommand release)
    {
        var reservation = _found.Reservations.GetValueOrDefault(release.ReservationId);
        if (reservation is null || (release.Asker.MerchantId is { } merchant && reservation.MerchantId != merchant))
        {
            return _answers.Refused(release.Asker, Refusals.ReservationNotFound);
        }

        var instance = _hold.Instances[reservation.InstanceId];
        var stands = instance.State == InstanceState.Reserved && instance.ReservationId == reservation.Id;
        var lapsed = instance.ReservedUntil <= Now;
        if (stands && (lapsed || !release.Lapse))
        {
            EndReservation(instance, lapsed ? "lapsed" : "released", reservation.ByShared, release.Asker);
        }

        return !stands || lapsed
            ? _answers.Refused(release.Asker, Refusals.ReservationEnded)
            : Answers.Released(reservation, Now);
    }

    private Answer RollBack(RollBackCommand command)
    {
        var redemption = _found.Redemptions.GetValueOrDefault(command.RedemptionId);
        if (redemption is null || (command.Asker.MerchantId is { } merchant && redemption.MerchantId != merchant))
        {
            return _answers.Refused(command.Asker, Refusals.RedemptionNotFound);
        }

        if (redemption.RolledBackAt is not null || !_rolledBack.Add(redemption.Id))
        {
            return _answers.Refused(command.Asker, Refusals.AlreadyRolledBack);
        }

        // RED-12: a use is never given back past the coupon's validity.
        var returnsUse = command.ReturnUse && Now < redemption.WindowEnd;
        var legs = Enumerable
            .Range(0, redemption.AccountIds.Length)
            .Where(i => returnsUse || !redemption.AreUses[i])
            .ToList();
        Guid[] accounts = [.. legs.Select(i => redemption.AccountIds[i])];
        long[] amounts = [.. legs.Select(i => redemption.Amounts[i])];
        var total = LimitAccount.OfCoupon(redemption.CouponId, null).Id;
        if (returnsUse && !accounts.Contains(total) && _hold.Book.Posted(total) > 0)
        {
            (accounts, amounts) = ([.. accounts, total], [.. amounts, 1]);
        }

        if (accounts.Length > 0)
        {
            _hold.Book.Reverse(accounts, amounts);
            Work.Transfers.Add(new Transfer(command.Id, "reverse", redemption.Id, accounts, Negated(amounts)));
        }

        Work.Rollbacks.Add(new NewRollback(command, redemption, returnsUse));
        var usage = Work.UsageOf(redemption.CouponId);
        usage.Redeemed -= returnsUse ? 1 : 0;
        usage.RevenueMinor -= redemption.OrderMinor - redemption.DiscountMinor;
        usage.DiscountMinor -= redemption.DiscountMinor;

        Work.Events.Add(
            new EventEntry(
                "redemption",
                redemption.Id.ToString(),
                "redemption.rolled_back",
                2,
                command.Asker.Actor,
                EventLog.Payload(
                    ("rollback_id", command.Id),
                    ("coupon_id", redemption.CouponId),
                    ("instance_id", redemption.InstanceId),
                    ("discount_minor", redemption.DiscountMinor),
                    ("currency", redemption.Currency),
                    ("use_returned", returnsUse)
                ),
                command.Asker.RequestId
            )
        );
        if (returnsUse && _hold.Instances[redemption.InstanceId] is { State: InstanceState.Redeemed } instance)
        {
            instance.Return();
            Log(instance, InstanceState.Redeemed, "rollback", command.Asker, ("redemption_id", redemption.Id));
            CancelUnit(instance, redemption.ByShared, command.Asker);
        }

        return Answers.RolledBack(command, redemption, returnsUse, Now);
    }

    private void EndReservation(InstanceRow instance, string ending, bool byShared, Asker asker)
    {
        var reservation = instance.ReservationId!.Value;
        Free(reservation, static _ => true);
        Work.EndedReservations.Add((reservation, ending));
        instance.Return();
        Log(instance, InstanceState.Reserved, ending, asker, ("reservation_id", reservation));
        CancelUnit(instance, byShared, asker);
    }

    /// <summary>A unit of a shared code has no code of its own, so one that was given back can only end.</summary>
    private void CancelUnit(InstanceRow instance, bool byShared, Asker asker)
    {
        if (byShared)
        {
            var from = instance.State;
            instance.Cancel();
            Log(instance, from, "given_back", asker);
        }
    }

    private InstanceRow NewUnit(AttemptCommand attempt, CouponTerms coupon)
    {
        var unit = new InstanceRow
        {
            Id = _ids.Take(),
            ValidUntil = coupon.ValidUntil,
            ValidFrom = coupon.ValidFrom,
            CouponId = coupon.Id,
            CustomerId = attempt.CustomerId,
            IsNew = true,
            Channel = attempt.Channel,
            MerchantId = coupon.MerchantId,
            CampaignId = coupon.Campaign?.Id,
        };
        unit.Load(InstanceState.Issued, null, null, null, 1);
        Work.NewInstances.Add(unit);
        return unit;
    }

    /// <summary>Frees holds of a reservation and remembers their rows, so that each is freed once.</summary>
    private void Free(Guid reservation, Predicate<StandingHold> which)
    {
        if (!_holds.TryGetValue(reservation, out var holds) || holds.FindAll(which) is not { Count: > 0 } freed)
        {
            return;
        }

        holds.RemoveAll(which);
        Move(freed, free: true);
        Work.FreedHolds.AddRange(freed);
        Work.Transfers.Add(
            new Transfer(
                Guid.CreateVersion7(),
                "void",
                reservation,
                [.. freed.Select(h => h.AccountId)],
                [.. freed.Select(h => -h.Amount)]
            )
        );
    }

    private void Move(List<StandingHold> holds, bool free)
    {
        foreach (var hold in holds)
        {
            _hold.Book.Void([hold.AccountId], [free ? hold.Amount : -hold.Amount]);
        }
    }

    private Answer Refuse(AttemptCommand attempt, CouponTerms? coupon, InstanceRow? instance, Refusal refusal)
    {
        var amount = attempt.Order.AmountMinor;
        if (coupon is not null && Redeeming.ChangeFor(refusal.Code, coupon, instance?.Held, amount, Now) is { } change)
        {
            refusal = refusal with { Change = change };
        }

        if (attempt.Operation == Operation.Validate)
        {
            return _answers.NotValid(attempt, refusal);
        }

        // A unit of a shared code lives only if its use is granted; a refused one never had a row.
        Work.Refusals.Add(new NewRefusal(attempt, refusal, coupon, instance?.Id));
        AddOrigin(attempt);
        if (coupon is not null)
        {
            Work.UsageOf(coupon.Id).Refused++;
        }

        return _answers.Refused(attempt.Asker, refusal) with
        {
            Location = refusal.Kind == RefusalKind.Conflict ? "/api/v1/receipts/" + attempt.Id : null,
        };
    }

    private void AddOrigin(AttemptCommand attempt)
    {
        if (attempt.Origin is { } origin)
        {
            Work.Origins.Add((attempt.Id, origin));
        }

        if (attempt.Arrival is { } arrival)
        {
            Work.Arrivals.Add((attempt.Id, attempt.CustomerId, arrival));
        }
    }

    private void Log(
        InstanceRow instance,
        InstanceState from,
        string cause,
        Asker asker,
        params ReadOnlySpan<(string Name, object? Value)> more
    ) => UnitLog.Add(Work, asker, instance, from, cause, more);

    /// <summary>RED-06: reaching the total is an event of its own.</summary>
    private void LogLimitReached(CouponTerms coupon, Asker asker)
    {
        if (coupon.MaxUsesTotal is not { } maximum)
        {
            return;
        }

        var account = LimitAccount.OfCoupon(coupon.Id, maximum);
        if (_hold.Book.Posted(account.Id) == maximum)
        {
            Work.Events.Add(
                new EventEntry(
                    "account",
                    account.Id.ToString(),
                    "coupon.limit_reached",
                    maximum,
                    asker.Actor,
                    EventLog.Payload(("coupon_id", coupon.Id), ("max_uses_total", maximum)),
                    asker.RequestId
                )
            );
        }
    }

    private static (long, string, string) OrderOf(long coupon, AttemptCommand attempt) =>
        (coupon, attempt.Channel ?? "", attempt.Order.Reference);

    private static Transfer TransferOf(Guid id, string kind, Guid reference, Leg[] legs) =>
        new(id, kind, reference, [.. legs.Select(l => l.Account.Id)], [.. legs.Select(l => l.Amount)]);

    private static long[] Negated(long[] amounts) => [.. amounts.Select(a => -a)];

    /// <summary>What is used, and of whose code.</summary>
    private sealed record Use(CouponTerms Coupon, InstanceRow? Instance, Grant Grant, StoodInFor? For);
}
