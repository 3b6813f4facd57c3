using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>Why a cart is refused. The codes are part of the API.</summary>
internal static class OrderRefusals
{
    /// <summary>All or nothing was asked for, and some code cannot be used; each is named.</summary>
    public static readonly Refusal CodesRefused = new(
        "codes_refused",
        "Nothing was used, because a code of this cart cannot be."
    );

    /// <summary>An order of this reference stands.</summary>
    public static readonly Refusal OrderExists = new(
        "order_exists",
        "There is an order of this reference. Ask for it to be replaced if it is to be priced anew."
    );

    /// <summary>No such order.</summary>
    public static readonly Refusal OrderNotFound = new(
        "order_not_found",
        "There is no such order.",
        RefusalKind.NotFound
    );

    /// <summary>All of it has been given back.</summary>
    public static readonly Refusal OrderEnded = new(
        "order_ended",
        "This order was given back or replaced; nothing is left of it."
    );

    /// <summary>The key names another request.</summary>
    public static readonly Refusal KeyReused = new(
        "idempotency_key_reused",
        "This idempotency key was used for another request.",
        RefusalKind.KeyReused
    );

    /// <summary>The redemption belongs to an order of a cart.</summary>
    public static readonly Refusal PartOfAnOrder = new(
        "part_of_an_order",
        "This redemption is part of an order of several promotions: return the order, or lines of it."
    );

    /// <summary>A sentence for a reason.</summary>
    public static string MessageOf(string reason) =>
        reason switch
        {
            Reasons.NotStackable => "Another promotion takes its place.",
            Reasons.AlreadyApplied => "This code was given twice.",
            Reasons.TooManyCodes => "The cart has more codes than it may.",
            Reasons.NothingLeft => "Earlier discounts left nothing to take off.",
            Reasons.BelowQuantity => "The cart has too few units of what it is for.",
            Reasons.RequirementNotMet => "The cart lacks what it asks for.",
            Reasons.CustomerRequired => "It can be used by a known customer only.",
            Reasons.OutOfStock => "There is none of this offer left.",
            Reasons.OutsideHours => "It does not hold at this hour.",
            _ => Known.TryGetValue(reason, out var refusal) ? refusal.Message : "It cannot be used.",
        };

    private static readonly Dictionary<string, Refusal> Known = (
        (Refusal[])
            [
                Refusals.NotFound,
                Refusals.Blocked,
                Refusals.Inactive,
                Refusals.NotStarted,
                Refusals.Expired,
                Refusals.LimitReached,
                Refusals.UserLimitReached,
                Refusals.BudgetExhausted,
                Refusals.BelowMinimum,
                Refusals.AboveMaximum,
                Refusals.ExcludedItems,
                Refusals.WrongService,
                Refusals.WrongConsultant,
                Refusals.NotFirstTime,
                Refusals.WrongSegment,
                Refusals.WrongChannel,
                Refusals.NeedsCart,
                Refusals.WrongCurrency,
                Refusals.NotOwner,
                Refusals.AlreadyRedeemed,
                Refusals.NotValid,
            ]
    ).ToDictionary(static r => r.Code, StringComparer.Ordinal);
}
