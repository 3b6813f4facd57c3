namespace Tessera.Core.Coupons;

/// <summary>Why a coupon may not be used (RUL-13). The codes are part of the API.</summary>
public static class Refusals
{
    /// <summary>No such code.</summary>
    public static readonly Refusal NotFound = new("not_found", "There is no such coupon.");

    /// <summary>Switched off, cancelled or withdrawn.</summary>
    public static readonly Refusal Inactive = new("inactive", "This coupon is not active.");

    /// <summary>Before its start.</summary>
    public static readonly Refusal NotStarted = new("not_started", "This coupon is not valid yet.");

    /// <summary>At or after its end.</summary>
    public static readonly Refusal Expired = new("expired", "This coupon has expired.");

    /// <summary>All uses are taken or held.</summary>
    public static readonly Refusal LimitReached = new("limit_reached", "This coupon has been used up.");

    /// <summary>The customer has taken all uses of his own.</summary>
    public static readonly Refusal UserLimitReached = new(
        "user_limit_reached",
        "This customer has used this coupon as often as it allows."
    );

    /// <summary>The campaign has given away what it may.</summary>
    public static readonly Refusal BudgetExhausted = new(
        "budget_exhausted",
        "What is left of the campaign's budget does not cover this discount."
    );

    /// <summary>The order is too small.</summary>
    public static readonly Refusal BelowMinimum = new(
        "below_minimum",
        "The order is below the minimum this coupon asks for."
    );

    /// <summary>The order is too large.</summary>
    public static readonly Refusal AboveMaximum = new(
        "above_maximum",
        "The order is above the maximum this coupon allows."
    );

    /// <summary>Nothing on the order may take the discount.</summary>
    public static readonly Refusal ExcludedItems = new(
        "excluded_items",
        "Nothing on this order may take this coupon's discount."
    );

    /// <summary>Another service or session type.</summary>
    public static readonly Refusal WrongService = new("wrong_service", "This coupon is not for this service.");

    /// <summary>Another consultant.</summary>
    public static readonly Refusal WrongConsultant = new("wrong_consultant", "This coupon is not for this consultant.");

    /// <summary>For first orders only.</summary>
    public static readonly Refusal NotFirstTime = new("not_first_time", "This coupon is for a first order only.");

    /// <summary>Outside the audience.</summary>
    public static readonly Refusal WrongSegment = new("wrong_segment", "This coupon was not given to this customer.");

    /// <summary>Another channel.</summary>
    public static readonly Refusal WrongChannel = new("wrong_channel", "This coupon is not valid in this channel.");

    /// <summary>A promotion prices it, by the lines of a cart and within limits of its own.</summary>
    public static readonly Refusal NeedsCart = new(
        "needs_cart",
        "A promotion prices this coupon: redeem it with the cart it is used on."
    );

    /// <summary>Another currency.</summary>
    public static readonly Refusal WrongCurrency = new("wrong_currency", "This coupon is in another currency.");

    /// <summary>Held by somebody else.</summary>
    public static readonly Refusal NotOwner = new("not_owner", "This coupon belongs to another customer.");

    /// <summary>Staff has blocked the customer from using coupons.</summary>
    public static readonly Refusal Blocked = new("blocked", "This customer is blocked from using coupons.");

    /// <summary>Used before.</summary>
    public static readonly Refusal AlreadyRedeemed = new("already_redeemed", "This coupon has been redeemed.");

    /// <summary>
    /// The one answer for codes that do not exist, are disabled, or are not the caller's or customer's (convention 12).
    /// </summary>
    public static readonly Refusal NotValid = new("coupon_not_valid", "This coupon is not valid.");

    /// <summary>The reservation named does not exist or is not the caller's.</summary>
    public static readonly Refusal ReservationNotFound = new(
        "reservation_not_found",
        "There is no such reservation.",
        RefusalKind.NotFound
    );

    /// <summary>The reservation is over: redeemed, released or lapsed.</summary>
    public static readonly Refusal ReservationEnded = new(
        "reservation_ended",
        "This reservation has ended: it was redeemed, released or has lapsed."
    );

    /// <summary>The reservation holds another coupon, or for another customer.</summary>
    public static readonly Refusal ReservationMismatch = new(
        "reservation_mismatch",
        "This reservation holds another coupon or is another customer's."
    );

    /// <summary>The redemption named does not exist or is not the caller's.</summary>
    public static readonly Refusal RedemptionNotFound = new(
        "redemption_not_found",
        "There is no such redemption.",
        RefusalKind.NotFound
    );

    /// <summary>It was given back before.</summary>
    public static readonly Refusal AlreadyRolledBack = new(
        "already_rolled_back",
        "This redemption has been rolled back."
    );

    /// <summary>The customer id names nobody.</summary>
    public static readonly Refusal UnknownCustomer = new(
        "invalid_request",
        "The request has a bad field.",
        RefusalKind.Invalid,
        [new FieldError("customer_id", "#/customer_id", "unknown_customer", "There is no customer with this id.")]
    );
}
