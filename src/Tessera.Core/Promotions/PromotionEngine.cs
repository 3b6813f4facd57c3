namespace Tessera.Core.Promotions;

/// <summary>
/// Prices a cart (RUL-01): a pure function of the cart, the promotions, their use and the instant. Equal input gives
/// equal output; nothing is read, nothing is written.
/// </summary>
public static class PromotionEngine
{
    /// <summary>Prices a cart.</summary>
    /// <param name="cart">The cart, passed by <see cref="CartCheck"/>.</param>
    /// <param name="promotions">All that may apply, in any order; priorities are unique.</param>
    /// <param name="uses">Use so far, by promotion id; absent means none.</param>
    /// <param name="now">The instant; <c>ValidFrom</c> is inclusive, <c>ValidUntil</c> exclusive.</param>
    /// <param name="rules">Rules of the house.</param>
    public static Quote Price(
        Cart cart,
        IReadOnlyList<Promotion> promotions,
        IReadOnlyDictionary<string, PromotionUse> uses,
        DateTimeOffset now,
        PricingRules rules
    )
    {
        ArgumentNullException.ThrowIfNull(cart);
        ArgumentNullException.ThrowIfNull(promotions);
        ArgumentNullException.ThrowIfNull(uses);
        ArgumentNullException.ThrowIfNull(rules);
        var automatic = promotions.Where(p => p.Code is null).ToList();
        var ofCodes = new Dictionary<string, Promotion>(StringComparer.Ordinal);
        foreach (var promotion in promotions)
        {
            if (promotion is { Code: { } code, IsFallback: false })
            {
                ofCodes.TryAdd(code, promotion);
            }
        }

        return Price(cart, automatic, ofCodes, uses, now, rules, promotions.Where(static p => p.IsFallback));
    }

    /// <summary>
    /// Prices a cart with the promotions of a book: those the cart cannot meet cost nothing and are not reported.
    /// </summary>
    /// <inheritdoc cref="Price(Cart, IReadOnlyList{Promotion}, IReadOnlyDictionary{string, PromotionUse}, DateTimeOffset, PricingRules)"/>
    public static Quote Price(
        Cart cart,
        PromotionBook book,
        IReadOnlyDictionary<string, PromotionUse> uses,
        DateTimeOffset now,
        PricingRules rules
    )
    {
        ArgumentNullException.ThrowIfNull(cart);
        ArgumentNullException.ThrowIfNull(book);
        ArgumentNullException.ThrowIfNull(uses);
        ArgumentNullException.ThrowIfNull(rules);
        return Price(cart, TypedCodes.Of(cart.Codes, book.Relevant(cart), book.Find, rules), uses, now, rules);
    }

    /// <summary>
    /// Prices a cart with the automatic promotions of a book, and with codes whose promotions are known from elsewhere.
    /// </summary>
    /// <param name="cart">The cart, passed by <see cref="CartCheck"/>.</param>
    /// <param name="automatic">The automatic promotions the cart may meet: of <see cref="PromotionBook.Relevant"/>.</param>
    /// <param name="ofCodes">The promotions of the typed codes, by code in normal form; absent means unknown.</param>
    /// <param name="uses">Use so far, by promotion id; absent means none.</param>
    /// <param name="now">The instant.</param>
    /// <param name="rules">Rules of the house.</param>
    /// <param name="fallbacks">What stands in for the promotion of a code when that is exhausted or not eligible; at most one a code.</param>
    public static Quote Price(
        Cart cart,
        IReadOnlyCollection<Promotion> automatic,
        IReadOnlyDictionary<string, Promotion> ofCodes,
        IReadOnlyDictionary<string, PromotionUse> uses,
        DateTimeOffset now,
        PricingRules rules,
        IEnumerable<Promotion>? fallbacks = null
    )
    {
        ArgumentNullException.ThrowIfNull(cart);
        ArgumentNullException.ThrowIfNull(automatic);
        ArgumentNullException.ThrowIfNull(ofCodes);
        ArgumentNullException.ThrowIfNull(uses);
        ArgumentNullException.ThrowIfNull(rules);
        if (fallbacks?.ToList() is not { Count: > 0 } others)
        {
            var codes = TypedCodes.Of(cart.Codes, [.. automatic], code => ofCodes.GetValueOrDefault(code), rules);
            return Price(cart, codes, uses, now, rules);
        }

        var standing = new StandingIn(ofCodes, others);
        while (true)
        {
            var codes = TypedCodes.Of(cart.Codes, [.. automatic], standing.Find, rules);
            var quote = Price(cart, codes, uses, now, rules);
            if (!standing.Follow(quote))
            {
                return quote with { StandIns = standing.Standing };
            }
        }
    }

    private static Quote Price(
        Cart cart,
        TypedCodes codes,
        IReadOnlyDictionary<string, PromotionUse> uses,
        DateTimeOffset now,
        PricingRules rules
    )
    {
        var run = new PricingRun(cart, codes.Candidates, uses, now, rules);
        var quote = run.Price(codes);
        if (!rules.AllCodesOrNone || !quote.Rejected.Any(Refused))
        {
            return quote;
        }

        // One refused code refuses all: the cart is priced without any, and each code keeps its own reason.
        var automatic = codes.Candidates.Where(p => p.Code is null).ToList();
        var without = new PricingRun(cart, automatic, uses, now, rules).Price(TypedCodes.None);
        var own = quote.Rejected.Where(r => r.Code is not null).ToList();
        var others = codes
            .Typed.Where(t => own.All(r => r.Promotion != t.Promotion || r.Reason == Reasons.AlreadyApplied))
            .Select(t => new RejectedPromotion(t.Promotion, t.Code, Reasons.NotStackable));
        return without with { Rejected = [.. without.Rejected, .. own, .. others] };
    }

    private static bool Refused(RejectedPromotion rejected) =>
        rejected.Code is not null && rejected.Reason != Reasons.AlreadyApplied;
}
