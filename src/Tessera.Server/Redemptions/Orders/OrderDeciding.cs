using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Server.Balances;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>
/// Decides one cart against what is under lock: which codes may be used at all, what the engine makes of the cart with
/// them, and whether the limits hold what that draws. No I/O. A cart that is refused leaves nothing to write.
/// </summary>
internal sealed partial class OrderDeciding
{
    private readonly OrderCommand _command;
    private readonly Resolution _found;
    private readonly OrderResolution _orders;
    private readonly Hold _hold;
    private readonly InstanceIds _ids;
    private readonly Dictionary<Guid, List<StandingHold>> _holds;

    public OrderDeciding(
        OrderCommand command,
        Resolution found,
        OrderResolution orders,
        Hold hold,
        List<StandingHold> holds,
        InstanceIds ids
    )
    {
        (_command, _found, _orders, _hold, _ids) = (command, found, orders, hold, ids);
        _holds = holds.GroupBy(h => h.ReservationId).ToDictionary(g => g.Key, g => g.ToList());
        Batch = new BatchWork { Hold = hold };
        foreach (var reservation in _holds.Keys.ToList())
        {
            // What has lapsed is free whatever is decided (RED-05).
            Free(reservation, h => h.ExpiresAt <= Now);
        }

        foreach (var instance in hold.Instances.Values.Where(i => i.State == InstanceState.Reserved))
        {
            if (instance.ReservedUntil <= Now)
            {
                EndReservation(instance, "lapsed");
            }
        }
    }

    private BatchWork Batch { get; }

    private DateTimeOffset Now => _hold.Now;

    /// <summary>Prices the cart within all limits.</summary>
    /// <param name="candidates">What may apply.</param>
    /// <param name="customerUses">Uses by this customer, under whichever name, by promotion.</param>
    public OrderWork Decide(IReadOnlyList<Candidate> candidates, IReadOnlyDictionary<string, long> customerUses)
    {
        // What this checkout holds, and what the order it replaces has used, is free while its price is decided.
        FreeOwn();
        var deciding = new CartDeciding(_command.Cart, _command.Reference, _command.Rules, _hold.Book, Now);
        var work = new OrderWork
        {
            Batch = Batch,
            Quote = _command.Given is { } given ? Past(candidates, given) : Price(deciding, candidates, customerUses),
            Promotions = [.. candidates.Select(c => c.Promotion)],
            Uses = deciding.Uses,
        };
        Replace(work);
        foreach (var applied in work.Quote.Applied)
        {
            var candidate = candidates.First(c => c.Promotion.Id == applied.Promotion.Id);
            if (_command.Operation == Operation.Reserve)
            {
                Reserve(work, candidate, applied.AmountMinor);
            }
            else
            {
                Redeem(work, candidate, applied.AmountMinor);
            }
        }

        EndOwn();
        if (_command.Operation == Operation.Reserve)
        {
            work.ExpiresAt = work
                .Taken.Select(t => t.ExpiresAt!.Value)
                .Append(Now.AddSeconds(_command.HoldSeconds))
                .Min();
        }

        LogOrder(work);
        return work;
    }

    private static Quote Price(
        CartDeciding deciding,
        IReadOnlyList<Candidate> candidates,
        IReadOnlyDictionary<string, long> uses
    )
    {
        var ofCodes = candidates
            .Where(static c => c is { Attempt: not null, StandsInFor: null })
            .ToDictionary(static c => c.Attempt!.Code, static c => c.Promotion, StringComparer.Ordinal);
        List<Promotion> automatic =
        [
            .. candidates.Where(static c => c.Attempt is null).Select(static c => c.Promotion),
        ];
        return deciding.Price(candidates, automatic, ofCodes, uses);
    }

    /// <summary>What was given elsewhere, as if it had been priced here: on the one line of the order.</summary>
    private Quote Past(IReadOnlyList<Candidate> candidates, IReadOnlyDictionary<string, long> given)
    {
        var line = _command.Cart.Lines[0];
        var steps = new List<PricingStep>();
        foreach (var candidate in candidates)
        {
            if (candidate.Coupon is { } coupon)
            {
                candidate.Window = Redeeming.Window(coupon, candidate.Unit);
            }

            if (given[candidate.CountedAs] is > 0 and var amount)
            {
                steps.Add(
                    new PricingStep(candidate.Promotion.Id, EffectTarget.Order, line.Id, line.AmountMinor, amount)
                );
            }
        }

        var discount = steps.Sum(s => s.DiscountMinor);
        return new Quote
        {
            LineDiscounts = [0],
            OrderShares = [discount],
            ShippingDiscounts = [],
            SubtotalMinor = line.AmountMinor,
            TotalMinor = line.AmountMinor - discount,
            TaxMinor = 0,
            TotalWithTaxMinor = line.AmountMinor - discount,
            Applied = [.. candidates.Select(c => new AppliedPromotion(c.Promotion, given[c.CountedAs]))],
            Rejected = [],
            Steps = steps,
        };
    }

    private void FreeOwn()
    {
        foreach (var held in _orders.Held)
        {
            Free(held.Id, static _ => true);
        }

        if (_command.Replace && _orders.Standing is { } standing)
        {
            foreach (var use in standing.Uses.Where(u => !u.IsOver && !u.RolledBack))
            {
                TakeBack(use);
            }
        }
    }

    /// <summary>Reverses all that a use still draws.</summary>
    private void TakeBack(StoredUse use)
    {
        if (use.AccountIds.Length > 0)
        {
            var rest = use.Posted.Select((amount, i) => use.AreUses[i] ? amount : amount - use.ReturnedMinor).ToArray();
            _hold.Book.Reverse(use.AccountIds, rest);
            Batch.Transfers.Add(
                new Transfer(Guid.CreateVersion7(), "reverse", use.Id, use.AccountIds, [.. rest.Select(a => -a)])
            );
        }

        if (use.CouponId is not null && _found.Redemptions.TryGetValue(use.Id, out var redemption))
        {
            var instance = _hold.Instances[redemption.InstanceId];
            if (instance.State == InstanceState.Redeemed)
            {
                instance.Return();
                Log(instance, InstanceState.Redeemed, "rollback", ("redemption_id", redemption.Id));
                Cancel(instance, redemption.ByShared);
            }
        }
    }

    private static Transfer TransferOf(Guid id, string kind, Leg[] legs) =>
        new(id, kind, id, [.. legs.Select(l => l.Account.Id)], [.. legs.Select(l => l.Amount)]);

    /// <summary>Frees holds of a reservation and remembers their rows, so that each is freed once.</summary>
    private void Free(Guid reservation, Predicate<StandingHold> which)
    {
        if (!_holds.TryGetValue(reservation, out var holds) || holds.FindAll(which) is not { Count: > 0 } freed)
        {
            return;
        }

        holds.RemoveAll(which);
        foreach (var hold in freed)
        {
            _hold.Book.Void([hold.AccountId], [hold.Amount]);
        }

        Batch.FreedHolds.AddRange(freed);
        Batch.Transfers.Add(
            new Transfer(
                Guid.CreateVersion7(),
                "void",
                reservation,
                [.. freed.Select(h => h.AccountId)],
                [.. freed.Select(h => -h.Amount)]
            )
        );
    }
}
