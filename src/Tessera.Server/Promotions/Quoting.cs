using System.Globalization;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>A cart that is to be priced.</summary>
/// <param name="Cart">Passed by <see cref="CartCheck"/>.</param>
/// <param name="MerchantId">Whose promotions and codes; null for the deployment's.</param>
/// <param name="CustomerId">Who buys, where known.</param>
/// <param name="At">Another instant than now.</param>
/// <param name="Rules">Rules of the house.</param>
internal sealed record QuoteWish(Cart Cart, Guid? MerchantId, Guid? CustomerId, DateTimeOffset? At, PricingRules Rules)
{
    /// <summary>Leaves out what is active; for previews.</summary>
    public bool Alone { get; init; }
}

/// <summary>
/// Prices carts as they would be redeemed at that instant, without holding or writing anything: the same engine, the same
/// decision on each code, the same accounts behind the limits.
/// </summary>
public sealed class Quoting(Database database, PromotionCatalogue catalogue, QuoteClock clock)
{
    /// <summary>The place of the first code without a promotion of its own: after everything that has a place.</summary>
    private const int LastPlaces = int.MaxValue - CartCheck.MaxCodes - 1;

    /// <summary>Prices a cart.</summary>
    /// <param name="wish">What is to be priced.</param>
    /// <param name="drafts">Promotions that are tried although they are not saved.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="pricing">Told when everything is read and the pricing begins.</param>
    /// <returns>Null when the customer is not known.</returns>
    internal async Task<PricedCart?> PriceAsync(
        QuoteWish wish,
        IReadOnlyList<Promotion> drafts,
        CancellationToken cancel,
        Action? pricing = null
    )
    {
        ArgumentNullException.ThrowIfNull(wish);
        var book = await catalogue.BookAsync(wish.MerchantId, cancel);
        string[] codes = [.. wish.Cart.Codes.Select(NormalOf).Distinct(StringComparer.Ordinal)];
        var facts = await FactsAsync(wish, codes, cancel);
        if (wish.CustomerId is not null && facts.Customer is null)
        {
            return null;
        }

        var now = wish.At ?? facts.Now;
        var cart = Buyers.Known(wish.Cart, facts.Customer, book.Segments, now);
        var automatic = wish.Alone ? [] : book.Automatic.Relevant(cart);
        automatic.AddRange(drafts.Where(static d => d.Code is null));
        var candidates = CandidatesOf(wish, codes, facts, book, automatic, now, cart);
        var accounts = candidates.Values.SelectMany(static c => c.Accounts).ToHashSet();
        var standing = await StandingAsync(accounts, now, cancel);
        var ofCodes = codes
            .Where(candidates.ContainsKey)
            .ToDictionary(static code => code, code => candidates[code].Promotion, StringComparer.Ordinal);
        foreach (var draft in drafts.Where(static d => d.Code is not null))
        {
            ofCodes[draft.Code!] = draft;
        }

        pricing?.Invoke();
        return Price(wish, cart, candidates, automatic, ofCodes, standing, now) with { Names = book.Names };
    }

    /// <summary>Asks the database only about what only the database knows.</summary>
    private async Task<QuoteFacts> FactsAsync(QuoteWish wish, string[] codes, CancellationToken cancel)
    {
        if (codes.Length == 0 && wish.CustomerId is null)
        {
            return new QuoteFacts { Now = await clock.NowAsync(cancel) };
        }

        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        return await QuoteStore.ReadAsync(connection, wish.Cart, codes, wish.CustomerId, except: null, cancel);
    }

    private async Task<Dictionary<Guid, (long Posted, long Pending)>> StandingAsync(
        HashSet<Guid> accounts,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (accounts.Count == 0)
        {
            return [];
        }

        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        return await QuoteStore.StandingAsync(connection, accounts, now, cancel);
    }

    /// <summary>The normal form of a typed code, also of one that can be none.</summary>
    internal static string NormalOf(string code) =>
        CouponCode.TryNormalise(code, out var normal) ? normal : code.Trim().ToUpperInvariant();

    private static PricedCart Price(
        QuoteWish wish,
        Cart cart,
        Dictionary<string, Candidate> candidates,
        List<Promotion> automatic,
        Dictionary<string, Promotion> ofCodes,
        Dictionary<Guid, (long Posted, long Pending)> standing,
        DateTimeOffset now
    )
    {
        var uses = new Dictionary<string, PromotionUse>(StringComparer.Ordinal);
        foreach (var candidate in candidates.Values)
        {
            var use = PromotionLimits.Use(candidate.Promotion, candidate.Limits, id => standing.GetValueOrDefault(id));
            uses[candidate.Promotion.Id] = candidate.WhyNot(wish, cart, BookOf(standing), now) is { } reason
                ? use with
                {
                    Exhausted = new LimitHit(reason, null) { Change = ChangeFor(reason, candidate.Found!, cart, now) },
                }
                : use;
        }

        var byId = candidates.Values.ToDictionary(static c => c.Promotion.Id, StringComparer.Ordinal);
        while (true)
        {
            var quote = PromotionEngine.Price(cart, automatic, ofCodes, uses, now, wish.Rules);
            if (FirstOver(wish, quote, byId, BookOf(standing)) is not { } over)
            {
                List<Promotion> priced = [.. automatic, .. ofCodes.Values];
                priced.Sort(Promotion.InOrder);
                return new PricedCart(quote, cart, priced, uses, now, wish.Rules);
            }

            // Several promotions of this cart draw on one account, and it does not hold all: the later one gives way.
            var id = over.Candidate.Promotion.Id;
            uses[id] = uses[id] with { Exhausted = new LimitHit(ReasonOf(over.Account), null) };
        }
    }

    /// <summary>The first promotion whose draws do not fit when those before it are made.</summary>
    private static (Candidate Candidate, LimitAccount Account)? FirstOver(
        QuoteWish wish,
        Quote quote,
        Dictionary<string, Candidate> candidates,
        LimitBook book
    )
    {
        foreach (var applied in quote.Applied)
        {
            if (!candidates.TryGetValue(applied.Promotion.Id, out var candidate))
            {
                continue;
            }

            var legs = candidate.Legs(wish.CustomerId, applied.AmountMinor);
            if (book.FirstBeyondBound(legs) is { } account)
            {
                return (candidate, account);
            }

            book.Post(legs);
        }

        return null;
    }

    /// <summary>What may apply and has limits or a code: automatic ones by id, codes by their normal form.</summary>
    private static Dictionary<string, Candidate> CandidatesOf(
        QuoteWish wish,
        string[] codes,
        QuoteFacts facts,
        CompiledPromotions book,
        List<Promotion> automatic,
        DateTimeOffset now,
        Cart cart
    )
    {
        var candidates = new Dictionary<string, Candidate>(StringComparer.Ordinal);
        foreach (var promotion in automatic)
        {
            if (IsLimited(promotion) && PromotionLimits.Of(promotion, cart, now) is { Count: > 0 } limits)
            {
                candidates[promotion.Id] = new Candidate(promotion, limits, null, wish.CustomerId);
            }
        }

        var place = LastPlaces;
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var code in codes)
        {
            if (!facts.Codes.TryGetValue(code, out var found))
            {
                continue;
            }

            // What another merchant offers is as unknown as what nobody offers.
            if (found.Coupon.IsDeleted || (wish.MerchantId is { } own && found.Coupon.MerchantId != own))
            {
                continue;
            }

            var promotion = book.OfCoupons.TryGetValue(found.Coupon.Id, out var bound)
                ? bound with
                {
                    Code = code,
                }
                : OfCoupon(found.Coupon, code, place++);
            var limits = PromotionLimits.Of(promotion, cart, now);

            // Two units of one coupon are two promotions to the engine.
            var many = times[promotion.Id] = times.GetValueOrDefault(promotion.Id) + 1;
            var id = many == 1 ? promotion.Id : string.Create(CultureInfo.InvariantCulture, $"{promotion.Id}#{many}");
            candidates[code] = new Candidate(promotion with { Id = id }, limits, found, wish.CustomerId);
        }

        return candidates;
    }

    private static bool IsLimited(Promotion promotion) =>
        promotion is not { MaxUses: null, MaxUsesPerCustomer: null, Stock: null, Budget: null, Limits.Count: 0 };

    /// <summary>A coupon without a promotion of its own prices itself; its limits follow from its terms.</summary>
    private static Promotion OfCoupon(CouponTerms coupon, string code, int place) =>
        CouponPromotion.Of(coupon, code, place) with
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"coupon:{coupon.Id}"),
            MaxUses = null,
            MaxUsesPerCustomer = null,
            Budget = null,
        };

    /// <summary>A cart with what the directory and stored orders know of its customer.</summary>
    internal static async Task<Cart> KnownAsync(
        Npgsql.NpgsqlConnection connection,
        Cart cart,
        Guid customer,
        (string? Channel, string Reference)? except,
        CompiledPromotions book,
        CancellationToken cancel
    )
    {
        var facts = await QuoteStore.ReadAsync(connection, cart, [], customer, except, cancel);
        return Buyers.Known(cart, facts.Customer, book.Segments, facts.Now);
    }

    /// <summary>The smallest change that would make the decision on a coupon another.</summary>
    private static Remedy? ChangeFor(string reason, QuotedCode found, Cart cart, DateTimeOffset now)
    {
        var (coupon, amount) = (found.Coupon, AmountOf(cart));
        return reason switch
        {
            Reasons.BelowMinimum when coupon.MinimumOrderMinor > amount => new Remedy(
                "spend_more",
                coupon.MinimumOrderMinor - amount
            ),
            Reasons.AboveMaximum when coupon.MaximumOrderMinor < amount => new Remedy(
                "spend_less",
                amount - coupon.MaximumOrderMinor.Value
            ),
            Reasons.NotStarted when Redeeming.Window(coupon, found.Instance).From is var from && from > now =>
                new Remedy("wait_until", At: from),
            _ => null,
        };
    }

    private static long AmountOf(Cart cart) =>
        cart.Lines.Where(static l => l.Discountable).Sum(static l => l.AmountMinor);

    private static LimitBook BookOf(Dictionary<Guid, (long Posted, long Pending)> standing)
    {
        var book = new LimitBook();
        foreach (var (id, (posted, pending)) in standing)
        {
            book.Load(id, posted, pending);
        }

        return book;
    }

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
            _ => Reasons.LimitReached,
        };

    /// <summary>A promotion with what stands behind it.</summary>
    private sealed class Candidate(
        Promotion promotion,
        IReadOnlyList<PromotionLimit> limits,
        QuotedCode? found,
        Guid? customer
    )
    {
        public Promotion Promotion => promotion;

        public IReadOnlyList<PromotionLimit> Limits => limits;

        public QuotedCode? Found => found;

        public IEnumerable<Guid> Accounts => Legs(customer, 1).Select(static l => l.Account.Id);

        /// <summary>What a use of it draws on. A visitor who is not known yet has no limit of his own.</summary>
        public Leg[] Legs(Guid? holder, long discountMinor) =>
            [
                .. found is null
                    ? []
                    : Redeeming
                        .LegsOf(found.Coupon, holder ?? Guid.Empty, discountMinor)
                        .Where(l =>
                            holder is not null
                            || l.Account.Kind is not (AccountKinds.CouponCustomerUses or AccountKinds.FirstOrder)
                        ),
                .. PromotionLimits.Legs(limits, discountMinor),
            ];

        /// <summary>Why its code cannot be used, whatever the cart costs.</summary>
        public string? WhyNot(QuoteWish wish, Cart cart, LimitBook book, DateTimeOffset now)
        {
            if (found is null)
            {
                return null;
            }

            var holder = new HolderFacts(
                wish.CustomerId ?? Guid.Empty,
                cart.Channel,
                wish.MerchantId,
                found.InAudience,
                (cart.Customer?.CompletedOrders ?? 0) > 0,
                found.HasProduct
            );

            // What a budget leaves is asked when the discount is known.
            var terms = found.Coupon.Campaign is { } campaign
                ? found.Coupon with
                {
                    Campaign = campaign with { BudgetMinor = null, BudgetUses = null },
                }
                : found.Coupon;
            string? reason = null;
            foreach (var (service, session, consultant) in SessionsOf(cart))
            {
                var order = new OrderFacts("", AmountOf(cart), cart.Currency, service, session, consultant);
                var (grant, refusal) = Redeeming.Decide(terms, found.Instance, order, holder, null, book, now);
                if (grant is not null)
                {
                    return null;
                }

                reason ??= refusal!.Code;
            }

            return reason;
        }
    }

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
}
