using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Server.Balances;

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
    private readonly IReadOnlyDictionary<string, int> _places;
    private readonly Dictionary<Guid, List<StandingHold>> _holds;
    private readonly Dictionary<string, (DateTimeOffset From, DateTimeOffset Until)> _windows = new(
        StringComparer.Ordinal
    );

    public OrderDeciding(
        OrderCommand command,
        Resolution found,
        OrderResolution orders,
        Hold hold,
        List<StandingHold> holds,
        InstanceIds ids,
        IReadOnlyDictionary<string, int> places
    )
    {
        (_command, _found, _orders, _hold, _ids, _places) = (command, found, orders, hold, ids, places);
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
        var uses = new Dictionary<string, PromotionUse>(StringComparer.Ordinal);
        var work = new OrderWork
        {
            Batch = Batch,
            Quote = _command.Given is { } given ? Past(candidates, given) : Price(candidates, customerUses, uses),
            Promotions = [.. candidates.Select(c => c.Promotion)],
            Uses = uses,
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

    private Quote Price(
        IReadOnlyList<Candidate> candidates,
        IReadOnlyDictionary<string, long> customerUses,
        Dictionary<string, PromotionUse> uses
    )
    {
        foreach (var candidate in candidates)
        {
            var use = PromotionLimits.Use(
                candidate.Promotion,
                candidate.Limits,
                id => (_hold.Book.Posted(id), _hold.Book.Pending(id))
            );
            use = use with
            {
                CustomerUses = Math.Max(use.CustomerUses, customerUses.GetValueOrDefault(candidate.CountedAs)),
            };
            uses[candidate.Promotion.Id] = Unusable(candidate) is { } reason
                ? use with
                {
                    Exhausted = new LimitHit(reason, null),
                }
                : use;
        }

        var promotions = candidates.Select(c => c.Promotion).ToList();
        while (true)
        {
            var quote = PromotionEngine.Price(_command.Cart, promotions, uses, Now, _command.Rules);
            if (FirstOver(candidates, quote) is not { } over)
            {
                return quote;
            }

            // Several promotions of this cart draw on one account, and it does not hold all: the later one gives way.
            var id = over.Candidate.Promotion.Id;
            uses[id] = uses[id] with { Exhausted = new LimitHit(OrderRefusals.ReasonOf(over.Account), null) };
        }
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
                _windows[candidate.Promotion.Id] = Redeeming.Window(coupon, candidate.Instance?.Held);
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

    /// <summary>Why the code of a candidate cannot be used, whatever the cart costs.</summary>
    private string? Unusable(Candidate candidate)
    {
        if (candidate.Coupon is not { } coupon)
        {
            return null;
        }

        var attempt = candidate.Attempt!;
        if (_command.HolderId is not { } customer)
        {
            return Reasons.CustomerRequired;
        }

        var standing = _command.Replace ? _orders.Standing : null;
        var isOwn = standing?.Uses.Any(u => u.CouponId == coupon.Id) ?? false;
        var orders = _hold.CustomersWithOrders.Contains(customer) || (_command.Cart.Customer?.CompletedOrders ?? 0) > 0;
        var place = _places[attempt.Code];
        var holder = new HolderFacts(
            customer,
            _command.Cart.Channel,
            _command.Asker.MerchantId,
            coupon.Campaign is { } campaign && _hold.Audience.Contains((campaign.Id, customer)),
            orders,
            _hold.WithProducts.Contains(place),
            candidate.IsShared
                && !isOwn
                && _hold.UsedOrders.Contains((coupon.Id, _command.Cart.Channel ?? "", _command.Reference))
        );

        // What a budget leaves is asked when the discount is known.
        var terms = coupon.Campaign is null
            ? coupon
            : coupon with
            {
                Campaign = coupon.Campaign with { BudgetMinor = null, BudgetUses = null },
            };
        var amount = _command.Cart.Lines.Where(l => l.Discountable).Sum(l => l.AmountMinor);
        string? reason = null;
        foreach (var (service, session, consultant) in Sessions())
        {
            var facts = new OrderFacts(
                _command.Reference,
                amount,
                _command.Cart.Currency,
                service,
                session,
                consultant
            );
            var (grant, refusal) = Redeeming.Decide(
                terms,
                candidate.Instance?.Held,
                facts,
                holder,
                candidate.Own?.Id,
                _hold.Book,
                Now
            );
            if (grant is not null)
            {
                _windows[candidate.Promotion.Id] = (grant.ValidFrom, grant.ValidUntil);
                return null;
            }

            reason ??= refusal!.Code;
        }

        return reason;
    }

    /// <summary>What is booked on the cart: a coupon for sessions is good when one of its lines is.</summary>
    private IEnumerable<(string? Service, string? Session, int? Consultant)> Sessions()
    {
        var sessions = _command
            .Cart.Lines.Where(l => l.Service is not null || l.SessionType is not null || l.Consultant is not null)
            .Select(l =>
                (
                    l.Service,
                    l.SessionType,
                    Consultant: int.TryParse(
                        l.Consultant,
                        System.Globalization.NumberStyles.None,
                        System.Globalization.CultureInfo.InvariantCulture,
                        out var id
                    )
                        ? id
                        : (int?)null
                )
            )
            .Distinct()
            .ToList();
        return sessions.Count > 0 ? sessions : [(null, null, null)];
    }

    /// <summary>The first promotion whose draws do not fit when those before it are made.</summary>
    private (Candidate Candidate, LimitAccount Account)? FirstOver(IReadOnlyList<Candidate> candidates, Quote quote)
    {
        var made = new List<Leg[]>();
        (Candidate, LimitAccount)? over = null;
        foreach (var applied in quote.Applied)
        {
            var candidate = candidates.First(c => c.Promotion.Id == applied.Promotion.Id);
            var legs = candidate.Legs(applied.AmountMinor);
            if (_hold.Book.FirstBeyondBound(legs) is { } account)
            {
                over = (candidate, account);
                break;
            }

            _hold.Book.Post(legs);
            made.Add(legs);
        }

        foreach (var legs in made)
        {
            _hold.Book.Reverse([.. legs.Select(l => l.Account.Id)], [.. legs.Select(l => l.Amount)]);
        }

        return over;
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
