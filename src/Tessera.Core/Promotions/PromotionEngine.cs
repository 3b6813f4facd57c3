namespace Tessera.Core.Promotions;

/// <summary>
/// Prices a cart (RUL-01): a pure function of the cart, the promotions, their use and the instant. Equal input gives
/// equal output; nothing is read, nothing is written.
/// </summary>
public static class PromotionEngine
{
    /// <summary>Units a cart may have, all lines together.</summary>
    public const int MaxUnits = 1_000_000;

    /// <summary>Prices a cart.</summary>
    /// <param name="cart">The cart.</param>
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
        var codes = TypedCodes.Of(cart.Codes, promotions, rules);
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
