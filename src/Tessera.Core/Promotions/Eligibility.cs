namespace Tessera.Core.Promotions;

/// <summary>What must hold of a promotion before the cart is looked at.</summary>
internal static class Eligibility
{
    /// <summary>The first layer that fails, in the order callers see: state, window, place, limits, budget.</summary>
    public static Unmet? Check(Promotion promotion, Cart cart, PromotionUse use, DateTimeOffset now)
    {
        if (!promotion.Active)
        {
            return new Unmet(Reasons.Inactive, "state");
        }

        if (now < promotion.ValidFrom)
        {
            return new Unmet(Reasons.NotStarted, "window", new Remedy("wait_until", At: promotion.ValidFrom));
        }

        if (now >= promotion.ValidUntil)
        {
            return new Unmet(Reasons.Expired, "window");
        }

        if (promotion.Channels is { } channels && (cart.Channel is not { } channel || !channels.Contains(channel)))
        {
            return new Unmet(Reasons.WrongChannel, "channel");
        }

        if (promotion.Currency is { } currency && currency != cart.Currency)
        {
            return new Unmet(Reasons.WrongCurrency, "currency");
        }

        return Limits(promotion, cart, use);
    }

    /// <summary>What the budget still gives in minor units; null without one in money.</summary>
    public static long? BudgetLeft(Promotion promotion, PromotionUse use) =>
        promotion.Budget is { InUses: false } budget ? Math.Max(0, budget.Limit - use.SpentMinor) : null;

    private static Unmet? Limits(Promotion promotion, Cart cart, PromotionUse use)
    {
        if (promotion.MaxUses is { } most && use.Uses + use.Held >= most)
        {
            return new Unmet(Reasons.LimitReached, "limit");
        }

        if (promotion.MaxUsesPerCustomer is { } own)
        {
            if (cart.Customer is null)
            {
                return new Unmet(Reasons.CustomerRequired, "limit");
            }

            if (use.CustomerUses >= own)
            {
                return new Unmet(Reasons.UserLimitReached, "limit");
            }
        }

        if (cart.Customer is null && promotion.Limits.Count > 0 && promotion.Limits.Any(l => l.PerCustomer))
        {
            return new Unmet(Reasons.CustomerRequired, "limit");
        }

        if (use.Exhausted is { } hit)
        {
            var wait = hit.Until is { } at ? new Remedy("wait_until", At: at) : null;
            return new Unmet(hit.Reason, "limit", hit.Change ?? wait);
        }

        var spent =
            promotion.Budget is { } budget
            && budget.Limit <= (budget.InUses ? use.Uses + use.Held + budget.UsedBefore : use.SpentMinor);
        return spent || use.LeftMinor <= 0 ? new Unmet(Reasons.BudgetExhausted, "budget") : null;
    }
}
