using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Platform;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>What an accepted cart does to units, accounts and the log.</summary>
internal sealed partial class OrderDeciding
{
    private void Redeem(OrderWork work, Candidate candidate, long discount)
    {
        var id = candidate.Attempt?.Id ?? Guid.CreateVersion7();
        var legs = candidate.Legs(discount);
        _hold.Book.Post(legs);
        if (legs.Length > 0)
        {
            Batch.Transfers.Add(TransferOf(id, "post", legs));
        }

        work.Taken.Add(new TakenPromotion(id, candidate, discount, legs, null));
        if (candidate.Coupon is not { } coupon)
        {
            LogFull(candidate, legs);
            return;
        }

        var (attempt, byShared) = AttemptOf(work, candidate, discount);
        var instance = candidate.Instance ?? NewUnit(attempt, coupon);
        var from = instance.State;
        if (candidate.Own is { } own)
        {
            Batch.EndedReservations.Add((own.Id, "redeemed"));
        }

        instance.Redeem();
        Batch.Redemptions.Add(
            new NewRedemption(attempt, coupon, instance, GrantOf(candidate, discount, legs), byShared)
        );
        var usage = Batch.UsageOf(coupon.Id);
        usage.Redeemed++;
        usage.RevenueMinor += attempt.Order.AmountMinor - discount;
        usage.DiscountMinor += discount;
        usage.Used = true;
        Log(
            instance,
            from,
            "redemption",
            [
                ("redemption_id", attempt.Id),
                ("order_id", _command.Id),
                ("customer_id", attempt.CustomerId),
                ("order_minor", attempt.Order.AmountMinor),
                ("discount_minor", discount),
                ("currency", attempt.Order.Currency),
                .. StandIn(work, candidate),
            ]
        );
        LogFull(candidate, legs);
    }

    private void Reserve(OrderWork work, Candidate candidate, long discount)
    {
        var id = candidate.Attempt?.Id ?? Guid.CreateVersion7();
        var legs = candidate.Legs(discount);
        _hold.Book.Hold(legs);
        if (legs.Length > 0)
        {
            Batch.Transfers.Add(TransferOf(id, "hold", legs));
        }

        // A.18: a hold lapses at the end of the coupon; it does not extend it.
        var until = Now.AddSeconds(_command.HoldSeconds);
        if (candidate.Promotion.ValidUntil is { } end && end < until)
        {
            until = end;
        }

        if (candidate.Coupon is { } coupon)
        {
            var window = candidate.Window!.Value;
            until = window.Until < until ? window.Until : until;
            var (attempt, byShared) = AttemptOf(work, candidate, discount);
            var instance = candidate.Instance ?? NewUnit(attempt, coupon);
            var from = instance.State;
            instance.Reserve(attempt.Id, until);
            Batch.Reservations.Add(
                new NewReservation(attempt, coupon, instance, GrantOf(candidate, discount, legs), byShared, until)
            );
            (string, object?)[] members =
            [
                ("reservation_id", attempt.Id),
                ("customer_id", attempt.CustomerId),
                .. StandIn(work, candidate),
            ];
            Log(instance, from, "reservation", members);
        }

        work.Taken.Add(new TakenPromotion(id, candidate, discount, legs, until));
    }

    /// <summary>Notes that a coupon is used for another one's code.</summary>
    /// <returns>What the log says of it.</returns>
    private (string, object?)[] StandIn(OrderWork work, Candidate candidate)
    {
        if (candidate.StandsInFor is not { } primary)
        {
            return [];
        }

        var reason = work.Quote.StandIns.First(s => s.By == candidate.Promotion.Id).Reason;
        var standIn = new StoodInFor(primary, reason);
        Batch.StandIns.Add((candidate.Attempt!.Id, standIn));
        return standIn.Members;
    }

    private void Replace(OrderWork work)
    {
        if (!_command.Replace || _orders.Standing is not { } standing)
        {
            return;
        }

        foreach (var use in standing.Uses.Where(u => !u.IsOver && !u.RolledBack))
        {
            work.Replaced.Add(use);
            if (use.CouponId is not { } coupon || !_found.Redemptions.TryGetValue(use.Id, out var redemption))
            {
                continue;
            }

            var command = new RollBackCommand(_command.Asker, use.Id, true, "replaced", Guid.CreateVersion7());
            Batch.Rollbacks.Add(new NewRollback(command, redemption, true));
            var usage = Batch.UsageOf(coupon);
            usage.Redeemed--;
            // What came back of it before has been taken off already.
            usage.RevenueMinor -= redemption.OrderMinor - redemption.DiscountMinor - standing.PaidBackMinor;
            usage.DiscountMinor -= redemption.DiscountMinor - use.ReturnedMinor;
        }
    }

    /// <summary>What was held for this checkout and is not used is free again.</summary>
    private void EndOwn()
    {
        foreach (var held in _orders.Held)
        {
            if (
                _found.Reservations.TryGetValue(held.Id, out var reservation)
                && _hold.Instances.TryGetValue(reservation.InstanceId, out var instance)
                && instance.State == InstanceState.Reserved
                && instance.ReservationId == held.Id
            )
            {
                EndReservation(instance, "released");
            }
        }
    }

    private void EndReservation(InstanceRow instance, string ending)
    {
        var reservation = instance.ReservationId!.Value;
        Free(reservation, static _ => true);
        Batch.EndedReservations.Add((reservation, ending));
        instance.Return();
        Log(instance, InstanceState.Reserved, ending, ("reservation_id", reservation));
        Cancel(instance, _found.Reservations.GetValueOrDefault(reservation)?.ByShared ?? false);
    }

    /// <summary>A unit of a shared code has no code of its own, so one that was given back can only end.</summary>
    private void Cancel(InstanceRow instance, bool byShared)
    {
        if (byShared)
        {
            var from = instance.State;
            instance.Cancel();
            Log(instance, from, "given_back");
        }
    }

    /// <summary>
    /// The attempt as it is stored: a coupon's order is what the cart would cost without it, so that the revenue of each
    /// coupon is what was paid.
    /// </summary>
    private static (AttemptCommand Attempt, bool ByShared) AttemptOf(OrderWork work, Candidate candidate, long discount)
    {
        var attempt = candidate.Attempt!;
        return (
            attempt with
            {
                Order = attempt.Order with { AmountMinor = work.Quote.TotalMinor + discount },
                ReservationId = candidate.Own?.Id,
            },
            candidate.Own?.ByShared ?? candidate.Instance is null
        );
    }

    private static Grant GrantOf(Candidate candidate, long discount, Leg[] legs)
    {
        var (from, until) = candidate.Window!.Value;
        return new Grant(discount, from, until, legs);
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
        Batch.NewInstances.Add(unit);
        return unit;
    }

    private void Log(
        InstanceRow instance,
        InstanceState from,
        string cause,
        params ReadOnlySpan<(string Name, object? Value)> more
    ) => UnitLog.Add(Batch, _command.Asker, instance, from, cause, more);

    /// <summary>RED-06: reaching a limit in all is an event of its own.</summary>
    private void LogFull(Candidate candidate, Leg[] legs)
    {
        foreach (var (account, _) in legs)
        {
            var isTotal = account is { Kind: AccountKinds.CouponUses or AccountKinds.PromotionUses, Subject: null };
            if (!isTotal || account.Bound is not { } bound || _hold.Book.Posted(account.Id) != bound)
            {
                continue;
            }

            if (account.Kind == AccountKinds.CouponUses)
            {
                (string, object?)[] coupon = [("coupon_id", candidate.Coupon!.Id), ("max_uses_total", bound)];
                Add("account", account.Id.ToString(), "coupon.limit_reached", bound, coupon);
            }
            else
            {
                (string, object?)[] promotion = [("promotion_id", candidate.CountedAs), ("max_uses_total", bound)];
                Add("account", account.Id.ToString(), "promotion.limit_reached", bound, promotion);
            }
        }
    }

    private void LogOrder(OrderWork work)
    {
        var isHold = _command.Operation == Operation.Reserve;
        (string, object?)[] members =
        [
            ("customer_id", _command.HolderId),
            ("total_minor", work.Quote.TotalMinor),
            ("discount_minor", work.Quote.DiscountMinor),
            ("currency", _command.Cart.Currency),
            ("promotions", work.Taken.ConvertAll(t => t.Candidate.CountedAs)),
        ];
        Add(
            isHold ? "order_reservation" : "order",
            _command.Id.ToString(),
            isHold ? "order.reserved" : "order.redeemed",
            1,
            members
        );
        if (work.Replaced.Count > 0 || (_command.Replace && _orders.Standing is not null))
        {
            (string, object?)[] by = [("by", _command.Id)];
            Add("order", _orders.Standing!.Id.ToString(), "order.replaced", _orders.Standing.Version + 1, by);
        }
    }

    private void Add(string aggregate, string id, string type, long sequence, (string, object?)[] members) =>
        Batch.Events.Add(
            new EventEntry(
                aggregate,
                id,
                type,
                sequence,
                _command.Asker.Actor,
                EventLog.Payload(members),
                _command.Asker.RequestId
            )
        );
}
