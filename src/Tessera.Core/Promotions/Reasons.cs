namespace Tessera.Core.Promotions;

/// <summary>Why a promotion gave nothing (RUL-13 and its finer ones). Part of the API.</summary>
public static class Reasons
{
#pragma warning disable CS1591 // each name is its value, and the value its meaning
    public const string NotFound = "not_found";
    public const string Inactive = "inactive";
    public const string NotStarted = "not_started";
    public const string Expired = "expired";
    public const string LimitReached = "limit_reached";
    public const string UserLimitReached = "user_limit_reached";
    public const string BelowMinimum = "below_minimum";
    public const string AboveMaximum = "above_maximum";
    public const string ExcludedItems = "excluded_items";
    public const string NotFirstTime = "not_first_time";
    public const string WrongSegment = "wrong_segment";
    public const string WrongChannel = "wrong_channel";
    public const string WrongService = "wrong_service";
    public const string WrongConsultant = "wrong_consultant";
    public const string NotStackable = "not_stackable";
    public const string AlreadyApplied = "already_applied";
    public const string TooManyCodes = "too_many_codes";
    public const string NothingLeft = "nothing_left";
    public const string BelowQuantity = "below_quantity";
    public const string RequirementNotMet = "requirement_not_met";
    public const string CustomerRequired = "customer_required";
    public const string BudgetExhausted = "budget_exhausted";
    public const string OutOfStock = "out_of_stock";
    public const string NotOwner = "not_owner";
    public const string AlreadyRedeemed = "already_redeemed";
    public const string NotValid = "coupon_not_valid";
    public const string WrongCurrency = "wrong_currency";
    public const string OutsideHours = "outside_hours";
    public const string NeedsCart = "needs_cart";
    public const string Blocked = "blocked";
#pragma warning restore CS1591

    /// <summary>
    /// Whether another promotion may stand in for one that is refused for this (CMP-01): what there was of it is taken, or
    /// customer or order are not eligible. What is off, over, not begun or another's is stood in for by nothing.
    /// </summary>
    public static bool AllowFallback(string reason) =>
        IsExhausted(reason)
        || reason
            is UserLimitReached
                or BelowMinimum
                or AboveMaximum
                or BelowQuantity
                or ExcludedItems
                or NotFirstTime
                or WrongSegment
                or WrongChannel
                or WrongService
                or WrongConsultant
                or RequirementNotMet
                or OutsideHours;

    /// <summary>Whether what there was of it is taken.</summary>
    public static bool IsExhausted(string reason) => reason is LimitReached or BudgetExhausted or OutOfStock;
}
