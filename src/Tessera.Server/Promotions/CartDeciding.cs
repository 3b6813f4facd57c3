using System.Globalization;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;

namespace Tessera.Server.Promotions;

/// <summary>
/// Prices one cart within all limits: which codes may be used at all, what the engine makes of the cart with them, and
/// whether the accounts hold what that draws. The one path of quotes, reservations and redemptions; they differ in where
/// the accounts come from, and in what is locked. No I/O.
/// </summary>
/// <param name="cart">With all that is known of its customer.</param>
/// <param name="reference">Of the order; empty for a quote.</param>
/// <param name="rules">Rules of the house.</param>
/// <param name="book">What stands on the accounts of the candidates. Left as it was.</param>
/// <param name="now">The instant.</param>
internal sealed class CartDeciding(Cart cart, string reference, PricingRules rules, LimitBook book, DateTimeOffset now)
{
    private readonly long _amount = cart.Lines.Where(static l => l.Discountable).Sum(static l => l.AmountMinor);

    /// <summary>Use so far, as the price was decided by.</summary>
    public Dictionary<string, PromotionUse> Uses { get; } = new(StringComparer.Ordinal);

    /// <summary>Prices the cart.</summary>
    /// <param name="candidates">What may apply and has a code or limits.</param>
    /// <param name="automatic">All that may apply by itself.</param>
    /// <param name="ofCodes">What each code stands for, by its normal form.</param>
    /// <param name="customerUses">Uses by this customer, under whichever name, by promotion.</param>
    public Quote Price(
        IReadOnlyCollection<CartCandidate> candidates,
        IReadOnlyCollection<Promotion> automatic,
        IReadOnlyDictionary<string, Promotion> ofCodes,
        IReadOnlyDictionary<string, long>? customerUses = null
    )
    {
        var byId = new Dictionary<string, CartCandidate>(candidates.Count, StringComparer.Ordinal);
        foreach (var candidate in candidates)
        {
            byId[candidate.Promotion.Id] = candidate;
            Uses[candidate.Promotion.Id] = UseOf(candidate, customerUses?.GetValueOrDefault(candidate.CountedAs) ?? 0);
        }

        var fallbacks = candidates.Select(static c => c.Promotion).Where(static p => p.IsFallback).ToList();
        while (true)
        {
            var quote = PromotionEngine.Price(cart, automatic, ofCodes, Uses, now, rules, fallbacks);
            if (FirstOver(quote, byId) is not var (over, account, left))
            {
                return quote;
            }

            // Several promotions of this cart draw on one account, and it does not hold all: the later one is cut to what
            // the others leave, or gives way.
            var id = over.Promotion.Id;
            if (over.Cut == account && left < Uses[id].LeftMinor)
            {
                Uses[id] = Uses[id] with { LeftMinor = left };
                continue;
            }

            Uses[id] = Uses[id] with { Exhausted = new LimitHit(ReasonOf(account), null) };
        }
    }

    private PromotionUse UseOf(CartCandidate candidate, long customerUses)
    {
        var use = PromotionLimits.Use(candidate.Promotion, candidate.Limits, id => (book.Posted(id), book.Pending(id)));
        use = use with { CustomerUses = Math.Max(use.CustomerUses, customerUses) };
        if (candidate.Cut is { } budget)
        {
            use = use with { LeftMinor = LeftOf(budget) };
        }

        return WhyNot(candidate) is { } reason
            ? use with
            {
                Exhausted = new LimitHit(reason, null)
                {
                    Change = Redeeming.ChangeFor(reason, candidate.Coupon!, candidate.Unit, _amount, now),
                },
            }
            : use;
    }

    /// <summary>Why the code of a candidate cannot be used, whatever the cart costs.</summary>
    private string? WhyNot(CartCandidate candidate)
    {
        if (candidate is not { Coupon: { } coupon, Holder: { } holder })
        {
            return candidate.Coupon is null ? null : Reasons.CustomerRequired;
        }

        // What a budget leaves is asked when the discount is known.
        var terms = coupon.Campaign is { } campaign
            ? coupon with
            {
                Campaign = campaign with { BudgetMinor = null, BudgetUses = null },
            }
            : coupon;
        string? reason = null;
        foreach (var (service, session, consultant) in SessionsOf(cart))
        {
            var order = new OrderFacts(reference, _amount, cart.Currency, service, session, consultant);
            var (grant, refusal) = Redeeming.Decide(terms, candidate.Unit, order, holder, candidate.OwnHold, book, now);
            if (grant is not null)
            {
                candidate.Window = (grant.ValidFrom, grant.ValidUntil);
                return null;
            }

            reason ??= refusal!.Code;
        }

        return reason;
    }

    /// <summary>The first promotion whose draws do not fit when those before it are made.</summary>
    private (CartCandidate Candidate, LimitAccount Account, long LeftMinor)? FirstOver(
        Quote quote,
        Dictionary<string, CartCandidate> candidates
    )
    {
        List<Leg[]>? made = null;
        (CartCandidate, LimitAccount, long)? over = null;
        foreach (var applied in quote.Applied)
        {
            if (!candidates.TryGetValue(applied.Promotion.Id, out var candidate))
            {
                continue;
            }

            var legs = candidate.Legs(applied.AmountMinor);
            if (book.FirstBeyondBound(legs) is { } account)
            {
                over = (candidate, account, LeftOf(account));
                break;
            }

            book.Post(legs);
            (made ??= []).Add(legs);
        }

        foreach (var legs in made ?? [])
        {
            book.Reverse([.. legs.Select(static l => l.Account.Id)], [.. legs.Select(static l => l.Amount)]);
        }

        return over;
    }

    private long LeftOf(LimitAccount account) => Math.Max(0, book.Available(account) ?? 0);

    /// <summary>What is booked on the cart: a coupon for sessions is good when one of its lines is.</summary>
    private static IEnumerable<(string? Service, string? Session, int? Consultant)> SessionsOf(Cart cart)
    {
        var sessions = cart
            .Lines.Where(static l => l.Service is not null || l.SessionType is not null || l.Consultant is not null)
            .Select(static l => (l.Service, l.SessionType, IdOf(l.Consultant)))
            .Distinct()
            .ToList();
        return sessions.Count > 0 ? sessions : [(null, null, null)];

        static int? IdOf(string? consultant) =>
            int.TryParse(consultant, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    /// <summary>The reason of an account that leaves no use.</summary>
    private static string ReasonOf(LimitAccount account) =>
        account.Kind switch
        {
            AccountKinds.CouponCustomerUses => Reasons.UserLimitReached,
            AccountKinds.FirstOrder => Reasons.NotFirstTime,
            AccountKinds.CampaignBudget
            or AccountKinds.CampaignUses
            or AccountKinds.PromotionBudget
            or AccountKinds.PromotionBudgetUses => Reasons.BudgetExhausted,
            AccountKinds.PromotionStock => Reasons.OutOfStock,
            AccountKinds.PromotionUses when account.Subject?.Contains("customer:", StringComparison.Ordinal) == true =>
                Reasons.UserLimitReached,
            _ => Reasons.LimitReached,
        };
}
