using Tessera.Core.Limits;
using Tessera.Core.Promotions;

namespace Tessera.Core.Coupons;

/// <summary>What a caller wants to use a coupon on.</summary>
/// <param name="Reference">The order's number with its shop.</param>
/// <param name="AmountMinor">What the coupon may discount, in minor units; 0 or more.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Service">The booked service.</param>
/// <param name="SessionType">Its session type.</param>
/// <param name="ConsultantId">Who delivers it.</param>
public sealed record OrderFacts(
    string Reference,
    long AmountMinor,
    string Currency,
    string? Service = null,
    string? SessionType = null,
    int? ConsultantId = null
);

/// <summary>Who asks, and what is known about them.</summary>
/// <param name="CustomerId">The holder.</param>
/// <param name="Channel">Where it is used.</param>
/// <param name="CallerMerchantId">The merchant the caller acts for; null for the whole deployment.</param>
/// <param name="InAudience">Whether the campaign of a private coupon was sent to the customer.</param>
/// <param name="HasOrderedBefore">Whether a completed order of the customer is known.</param>
/// <param name="HasEligibleProduct">Whether the order holds a product the coupon is good for.</param>
/// <param name="OrderHasIt">Whether the shared code was used on this very order (convention 17).</param>
/// <param name="IsBlocked">Whether staff has blocked the customer from using coupons (RUL-13).</param>
public sealed record HolderFacts(
    Guid CustomerId,
    string? Channel,
    Guid? CallerMerchantId,
    bool InAudience,
    bool HasOrderedBefore,
    bool HasEligibleProduct,
    bool OrderHasIt = false,
    bool IsBlocked = false
);

/// <summary>A unit under its lock.</summary>
/// <param name="State">As stored.</param>
/// <param name="PriorState">Where a lapsed hold returns to.</param>
/// <param name="CustomerId">Its holder; null for nobody yet.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after its validity.</param>
/// <param name="ReservationId">The hold on it.</param>
/// <param name="ReservedUntil">When the hold lapses.</param>
public sealed record HeldInstance(
    InstanceState State,
    InstanceState? PriorState,
    Guid? CustomerId,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    Guid? ReservationId,
    DateTimeOffset? ReservedUntil
)
{
    /// <summary>The state at an instant: a hold that has lapsed counts no more (RED-05).</summary>
    public InstanceState StateAt(DateTimeOffset now) =>
        State == InstanceState.Reserved && ReservedUntil <= now ? PriorState ?? InstanceState.Issued : State;
}

/// <summary>A yes: the discount and what it draws on.</summary>
/// <param name="DiscountMinor">In the order's currency.</param>
/// <param name="ValidFrom">Of the window it was decided in.</param>
/// <param name="ValidUntil">Of the window it was decided in.</param>
/// <param name="Legs">The limits it draws on.</param>
public sealed record Grant(long DiscountMinor, DateTimeOffset ValidFrom, DateTimeOffset ValidUntil, Leg[] Legs)
{
    /// <summary>What was left of the campaign's budget, where the discount was cut to that (CMP-09).</summary>
    public long? CutToMinor { get; init; }
}

/// <summary>Whether a coupon may be used (RED-05, RED-06, RED-07). Pure: the instant is one of the facts.</summary>
public static class Redeeming
{
    /// <summary>Decides one attempt against coupon, unit and limits, all under lock.</summary>
    /// <param name="coupon">The definition; null when the code is unknown.</param>
    /// <param name="instance">The unit of a unique code; null for a shared code.</param>
    /// <param name="order">What it is used on.</param>
    /// <param name="holder">Who uses it.</param>
    /// <param name="ownReservation">The hold the caller wants to redeem; null for none.</param>
    /// <param name="book">The limits; not changed here.</param>
    /// <param name="now">The database clock, read after the rows were held; ends are exclusive (RUL-04).</param>
    /// <returns>A grant, or the first refusal that applies.</returns>
    public static (Grant? Grant, Refusal? Refusal) Decide(
        CouponTerms? coupon,
        HeldInstance? instance,
        OrderFacts order,
        HolderFacts holder,
        Guid? ownReservation,
        LimitBook book,
        DateTimeOffset now
    )
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(holder);
        ArgumentNullException.ThrowIfNull(book);

        // A caller sees the first refusal that applies, so the order of these lines is part of the API.
        if (coupon is null || coupon.IsDeleted || (instance is null && !coupon.HasSharedCode))
        {
            return (null, Refusals.NotFound);
        }

        if (holder.CallerMerchantId is { } merchant && coupon.MerchantId != merchant)
        {
            return (null, Refusals.NotFound);
        }

        if (holder.IsBlocked)
        {
            return (null, Refusals.Blocked);
        }

        if (holder.OrderHasIt)
        {
            return (null, Refusals.AlreadyRedeemed);
        }

        if (instance is not null && Unusable(instance, ownReservation, now) is { } unusable)
        {
            return (null, unusable);
        }

        if (!coupon.IsActive)
        {
            return (null, Refusals.Inactive);
        }

        var (from, until) = Window(coupon, instance);
        if (now >= until)
        {
            return (null, Refusals.Expired);
        }

        if (now < from)
        {
            return (null, Refusals.NotStarted);
        }

        if (instance?.CustomerId is { } owner && owner != holder.CustomerId)
        {
            return (null, Refusals.NotOwner);
        }

        if (Ineligible(coupon, order, holder) is { } ineligible)
        {
            return (null, ineligible);
        }

        var discount = CouponPricing.Discount(coupon, order.AmountMinor);
        long? cutTo = null;
        if (
            discount > 0
            && ClippingBudget(coupon) is { } budget
            && book.Available(budget) is { } left
            && left < discount
        )
        {
            if (left <= 0)
            {
                return (null, Refusals.BudgetExhausted);
            }

            cutTo = discount = left;
        }

        var legs = LegsOf(coupon, holder.CustomerId, discount);
        return book.FirstBeyondBound(legs) is { } full
            ? (null, BeyondBound(full))
            : (new Grant(discount, from, until, legs) { CutToMinor = cutTo }, null);
    }

    /// <summary>
    /// The window that counts: the unit's within the coupon's, unless the unit was given a later end of its own.
    /// </summary>
    public static (DateTimeOffset From, DateTimeOffset Until) Window(CouponTerms coupon, HeldInstance? instance)
    {
        ArgumentNullException.ThrowIfNull(coupon);
        var from = coupon.ValidFrom;
        var until = coupon.ValidUntil;
        if (instance is not null)
        {
            from = Later(from, instance.ValidFrom);
            var extended = InstanceState.Extended;
            until =
                instance.State == extended || instance.PriorState == extended
                    ? instance.ValidUntil
                    : Earlier(until, instance.ValidUntil);
        }

        return coupon.Campaign is { } campaign
            ? (Later(from, campaign.StartAt), Earlier(until, campaign.EndAt))
            : (from, until);
    }

    /// <summary>The smallest change that would make a refusal pass, where there is one (RUL-13).</summary>
    /// <param name="reason">Why not: of <see cref="Decide"/>.</param>
    /// <param name="coupon">The definition.</param>
    /// <param name="instance">The unit of a unique code.</param>
    /// <param name="amountMinor">What the order comes to.</param>
    /// <param name="now">The instant that decided.</param>
    public static Remedy? ChangeFor(
        string reason,
        CouponTerms coupon,
        HeldInstance? instance,
        long amountMinor,
        DateTimeOffset now
    )
    {
        ArgumentNullException.ThrowIfNull(coupon);
        return reason switch
        {
            Reasons.BelowMinimum when coupon.MinimumOrderMinor > amountMinor => new Remedy(
                "spend_more",
                coupon.MinimumOrderMinor - amountMinor
            ),
            Reasons.AboveMaximum when coupon.MaximumOrderMinor < amountMinor => new Remedy(
                "spend_less",
                amountMinor - coupon.MaximumOrderMinor.Value
            ),
            Reasons.NotStarted when Window(coupon, instance).From is var from && from > now => new Remedy(
                "wait_until",
                At: from
            ),
            _ => null,
        };
    }

    /// <summary>The account that a discount is cut to, where the campaign of a coupon cuts (CMP-09); else null.</summary>
    public static LimitAccount? ClippingBudget(CouponTerms coupon)
    {
        ArgumentNullException.ThrowIfNull(coupon);
        return
            coupon.Campaign is { ClipsBudget: true, BudgetMinor: { } most, BudgetCurrency: { } currency } campaign
            && currency == coupon.Currency
            ? LimitAccount.OfBudget(campaign.Id, currency, most)
            : null;
    }

    /// <summary>The limits one use draws on.</summary>
    public static Leg[] LegsOf(CouponTerms coupon, Guid customerId, long discountMinor)
    {
        ArgumentNullException.ThrowIfNull(coupon);
        var legs = new List<Leg>(4);
        if (coupon.MaxUsesTotal is not null)
        {
            // Without a total nothing is counted here: one row per coupon would make all its uses wait for one another.
            legs.Add(new Leg(LimitAccount.OfCoupon(coupon.Id, coupon.MaxUsesTotal), 1));
        }

        legs.Add(new Leg(LimitAccount.OfCustomer(coupon.Id, customerId, coupon.MaxUsesPerUser), 1));
        if (coupon.IsForFirstOrders)
        {
            legs.Add(new Leg(LimitAccount.OfFirstOrder(customerId), 1));
        }

        if (coupon.Campaign is { } campaign)
        {
            if (campaign is { BudgetMinor: { } budget, BudgetCurrency: { } currency } && discountMinor > 0)
            {
                legs.Add(new Leg(LimitAccount.OfBudget(campaign.Id, currency, budget), discountMinor));
            }

            if (campaign.BudgetUses is { } uses)
            {
                legs.Add(new Leg(LimitAccount.OfCampaignUses(campaign.Id, uses), 1));
            }
        }

        return [.. legs];
    }

    private static Refusal? Unusable(HeldInstance instance, Guid? ownReservation, DateTimeOffset now) =>
        instance.StateAt(now) switch
        {
            InstanceState.Redeemed => Refusals.AlreadyRedeemed,
            InstanceState.Expired => Refusals.Expired,
            InstanceState.Reserved when instance.ReservationId != ownReservation => Refusals.LimitReached,
            var state when !state.IsLive() => Refusals.Inactive,
            _ => null,
        };

    private static Refusal? Ineligible(CouponTerms coupon, OrderFacts order, HolderFacts holder)
    {
        if (coupon.Channels is { } channels && (holder.Channel is null || !channels.Contains(holder.Channel)))
        {
            return Refusals.WrongChannel;
        }

        if (coupon.IsPrivate && !holder.InAudience)
        {
            return Refusals.WrongSegment;
        }

        if (!string.Equals(coupon.Currency, order.Currency, StringComparison.Ordinal))
        {
            return Refusals.WrongCurrency;
        }

        if (WrongTarget(coupon, order) is { } target)
        {
            return target;
        }

        if (coupon.IsForFirstOrders && holder.HasOrderedBefore)
        {
            return Refusals.NotFirstTime;
        }

        if (coupon.HasProducts && !holder.HasEligibleProduct)
        {
            return Refusals.ExcludedItems;
        }

        if (order.AmountMinor < coupon.MinimumOrderMinor)
        {
            return Refusals.BelowMinimum;
        }

        return order.AmountMinor > (coupon.MaximumOrderMinor ?? long.MaxValue) ? Refusals.AboveMaximum : null;
    }

    private static Refusal? WrongTarget(CouponTerms coupon, OrderFacts order)
    {
        var service = coupon.ApplicableTo switch
        {
            "book_a_meeting" or "30_for_30" => order.Service == coupon.ApplicableTo,
            _ => true,
        };
        if (coupon.DiscountType == DiscountType.FreeSession)
        {
            // an order without the attribute never matches a restriction.
            service &= order.Service is not null && (coupon.EligibleServices?.Contains(order.Service) ?? true);
        }

        if (coupon.SessionTypes is { Count: > 0 } types)
        {
            service &= order.SessionType is not null && types.Contains(order.SessionType);
        }

        if (!service)
        {
            return Refusals.WrongService;
        }

        var restricted = coupon.Consultants is { Count: > 0 } || coupon.ApplicableTo == "specific_consultants";
        return restricted && !(order.ConsultantId is { } id && (coupon.Consultants?.Contains(id) ?? false))
            ? Refusals.WrongConsultant
            : null;
    }

    private static Refusal BeyondBound(LimitAccount account) =>
        account.Kind switch
        {
            AccountKinds.CouponCustomerUses => Refusals.UserLimitReached,
            AccountKinds.FirstOrder => Refusals.NotFirstTime,
            AccountKinds.CampaignBudget or AccountKinds.CampaignUses => Refusals.BudgetExhausted,
            _ => Refusals.LimitReached,
        };

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
