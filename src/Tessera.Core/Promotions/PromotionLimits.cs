using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;

namespace Tessera.Core.Promotions;

/// <summary>One account that a use of a promotion draws on.</summary>
/// <param name="Account">With its bound.</param>
/// <param name="Reason">Why there is no use when it leaves none.</param>
/// <param name="Until">When it begins anew; null when it does not.</param>
/// <param name="InMoney">Draws the discount; else one use.</param>
public sealed record PromotionLimit(LimitAccount Account, string Reason, DateTimeOffset? Until, bool InMoney);

/// <summary>
/// Which accounts stand behind the limits of a promotion, for one cart at one instant (RUL-08, CMP-09). Quotes read them,
/// reservations hold them, redemptions post on them: one primitive, one set of ids.
/// </summary>
public static class PromotionLimits
{
    /// <summary>The accounts, in the order in which callers learn of them.</summary>
    public static IReadOnlyList<PromotionLimit> Of(Promotion promotion, Cart cart, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(promotion);
        ArgumentNullException.ThrowIfNull(cart);
        var limits = new List<PromotionLimit>();
        if (promotion.MaxUses is { } most)
        {
            limits.Add(
                new PromotionLimit(
                    LimitAccount.OfPromotion(promotion.Id, null, most),
                    Reasons.LimitReached,
                    null,
                    InMoney: false
                )
            );
        }

        if (promotion.MaxUsesPerCustomer is { } own)
        {
            foreach (var name in NamesOf(cart.Customer))
            {
                var account = LimitAccount.OfPromotion(promotion.Id, name, own);
                limits.Add(new PromotionLimit(account, Reasons.UserLimitReached, null, InMoney: false));
            }
        }

        foreach (var limit in promotion.Limits)
        {
            Add(limits, promotion, limit, cart, now);
        }

        if (promotion.Stock is { } stock)
        {
            var account = LimitAccount.OfPromotionStock(promotion.Id, stock);
            limits.Add(new PromotionLimit(account, Reasons.OutOfStock, null, InMoney: false));
        }

        if (promotion.Budget is { } budget)
        {
            var account = budget.InUses
                ? LimitAccount.OfPromotionBudgetUses(promotion.Id, budget.Limit)
                : LimitAccount.OfPromotionBudget(promotion.Id, promotion.Currency ?? cart.Currency, budget.Limit);
            limits.Add(new PromotionLimit(account, Reasons.BudgetExhausted, null, !budget.InUses));
        }

        return limits;
    }

    /// <summary>What one use draws on them.</summary>
    /// <param name="limits">Of <see cref="Of"/>.</param>
    /// <param name="discountMinor">What it gives.</param>
    public static IEnumerable<Leg> Legs(IReadOnlyList<PromotionLimit> limits, long discountMinor) =>
        limits
            .Where(l => !l.InMoney || discountMinor > 0)
            .Select(l => new Leg(l.Account, l.InMoney ? discountMinor : 1));

    /// <summary>The use so far, as the engine asks for it.</summary>
    /// <param name="promotion">Whose.</param>
    /// <param name="limits">Of <see cref="Of"/>.</param>
    /// <param name="standing">Posted and pending of an account by others than this checkout.</param>
    public static PromotionUse Use(
        Promotion promotion,
        IReadOnlyList<PromotionLimit> limits,
        Func<Guid, (long Posted, long Pending)> standing
    )
    {
        ArgumentNullException.ThrowIfNull(promotion);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(standing);
        var use = new PromotionUse();
        foreach (var limit in limits)
        {
            var (posted, pending) = standing(limit.Account.Id);
            if (limit.InMoney)
            {
                use = use with { SpentMinor = promotion.Budget!.UsedBefore + posted + pending };
            }
            else if (limit.Account is { Kind: AccountKinds.PromotionUses, Subject: null })
            {
                use = use with { Uses = posted, Held = pending };
            }
            else if (limit.Account.Kind == AccountKinds.PromotionUses && limit.Until is null && IsOwn(promotion, limit))
            {
                use = use with { CustomerUses = Math.Max(use.CustomerUses, posted + pending) };
            }
            else if (use.Exhausted is null && posted + pending >= limit.Account.Bound)
            {
                use = use with { Exhausted = new LimitHit(limit.Reason, limit.Until) };
            }
        }

        return use;
    }

    /// <summary>The names by which a customer is recognised: id, and e-mail address without regard to case.</summary>
    public static IEnumerable<string> NamesOf(Shopper? customer)
    {
        if (customer is { Id.Length: > 0 })
        {
            yield return "customer:" + customer.Id;
        }

        if (customer?.Email is { Length: > 0 } email)
        {
            yield return "email:" + HashOf(email);
        }
    }

    /// <summary>What is kept of an e-mail address: a hash of its lower case.</summary>
    public static string HashOf(string email)
    {
        ArgumentNullException.ThrowIfNull(email);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(email.Trim().ToLowerInvariant())));
    }

    /// <summary>The period an instant lies in: its name, and the first instant after it.</summary>
    public static (string Name, DateTimeOffset? Until) PeriodOf(LimitPeriod period, string zoneName, DateTimeOffset now)
    {
        if (period == LimitPeriod.Ever)
        {
            return ("", null);
        }

        Zones.TryFind(zoneName, out var zone);
        var day = Zones.DayOf(now, zone);
        var (first, next) = period switch
        {
            LimitPeriod.Day => (day, day.AddDays(1)),
            LimitPeriod.Week => Week(day),
            _ => (new DateOnly(day.Year, day.Month, 1), new DateOnly(day.Year, day.Month, 1).AddMonths(1)),
        };
        var name = string.Create(
            CultureInfo.InvariantCulture,
            $"{period.ToString().ToLowerInvariant()}:{first:yyyy-MM-dd}:{zone.Id}"
        );
        return (name, Zones.StartOf(next, zone));
    }

    private static (DateOnly First, DateOnly Next) Week(DateOnly day)
    {
        var monday = day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
        return (monday, monday.AddDays(7));
    }

    private static bool IsOwn(Promotion promotion, PromotionLimit limit) =>
        limit.Reason == Reasons.UserLimitReached && limit.Account.Bound == promotion.MaxUsesPerCustomer;

    private static void Add(
        List<PromotionLimit> limits,
        Promotion promotion,
        UseLimit limit,
        Cart cart,
        DateTimeOffset now
    )
    {
        if (limit.Channel is { } channel && channel != cart.Channel)
        {
            return;
        }

        var (period, until) = PeriodOf(limit.Period, limit.Zone, now);
        var scope = string.Join('|', ((string[])[period, limit.Channel is { } c ? "channel:" + c : ""]).Where(Named));
        var reason = limit.PerCustomer ? Reasons.UserLimitReached : Reasons.LimitReached;
        foreach (var name in limit.PerCustomer ? NamesOf(cart.Customer) : [""])
        {
            var subject = "limit|" + scope + (name.Length > 0 ? "|" + name : "");
            var account = LimitAccount.OfPromotion(promotion.Id, subject, limit.Max);
            limits.Add(new PromotionLimit(account, reason, until, InMoney: false));
        }

        static bool Named(string text) => text.Length > 0;
    }
}
