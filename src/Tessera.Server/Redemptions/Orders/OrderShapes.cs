using Tessera.Core;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

// The shapes of requests and answers about carts, for the API description. Requests are read by OrderRequests and answers
// written by OrderAnswers without going through these. What carts and quotes share is described by the shapes of quotes.

/// <summary>A cart that is to be reserved or redeemed. Amounts are minor units of its currency.</summary>
/// <param name="Reference">The deployment's id of the order; 1 to 100 characters.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Lines">What is bought; 1 to 1,000.</param>
/// <param name="Codes">As typed, at most 30.</param>
/// <param name="CustomerId">Who buys; codes can be used by a known customer only.</param>
/// <param name="Customer">What the shop knows of the customer.</param>
/// <param name="Shipping">The deliveries.</param>
/// <param name="Channel">Where; needed when a promotion or the key is bound to channels.</param>
/// <param name="Store">The shop or site.</param>
/// <param name="PricesIncludeTax">What prices are; false unless given.</param>
/// <param name="Mode">all_or_nothing (unless given) uses nothing when a code is refused; best_effort uses the others.</param>
/// <param name="ReservationId">Of the hold this redeems; redeem only.</param>
/// <param name="Replace">Prices an order of this reference anew; redeem only.</param>
/// <param name="HoldSeconds">How long the cart is held; reserve only.</param>
/// <param name="Explain">Whether promotions that apply by themselves and give nothing are reported too.</param>
/// <param name="Attribution">What brought the customer; kept with the order and with each code it uses.</param>
internal sealed record OrderCartShape(
    string Reference,
    string Currency,
    IReadOnlyList<QuoteLine> Lines,
    IReadOnlyList<string>? Codes = null,
    Guid? CustomerId = null,
    QuoteCustomer? Customer = null,
    IReadOnlyList<QuoteDelivery>? Shipping = null,
    string? Channel = null,
    string? Store = null,
    bool? PricesIncludeTax = null,
    string? Mode = null,
    Guid? ReservationId = null,
    bool? Replace = null,
    int? HoldSeconds = null,
    bool? Explain = null,
    Arrival? Attribution = null
);

/// <summary>A cart as it was decided.</summary>
/// <param name="Id">Of the order or reservation.</param>
/// <param name="Status">redeemed or reserved.</param>
/// <param name="Reference">Of the order.</param>
/// <param name="Subtotal">Goods before discounts.</param>
/// <param name="Discount">All discounts.</param>
/// <param name="Payable">Goods and deliveries after discounts.</param>
/// <param name="Tax">On the reduced prices.</param>
/// <param name="Lines">Each line with its discounts.</param>
/// <param name="Shipping">Each delivery with its discount.</param>
/// <param name="Applied">What gave something, in order.</param>
/// <param name="Rejected">What gave nothing, and why.</param>
/// <param name="ReceiptId">Of the receipt, which says why.</param>
/// <param name="CustomerId">Who buys.</param>
/// <param name="Channel">Where.</param>
/// <param name="RedeemedAt">The instant that decided, by the database clock; of orders.</param>
/// <param name="ReservationId">Of the hold it redeemed.</param>
/// <param name="ExpiresAt">When the hold lapses by itself; of reservations.</param>
internal sealed record DecidedOrderShape(
    Guid Id,
    string Status,
    string Reference,
    Money Subtotal,
    Money Discount,
    Money Payable,
    Money Tax,
    IReadOnlyList<DecidedOrderLineShape> Lines,
    IReadOnlyList<QuotedDelivery> Shipping,
    IReadOnlyList<OrderAppliedShape> Applied,
    IReadOnlyList<OrderRejectedShape> Rejected,
    Guid ReceiptId,
    Guid? CustomerId = null,
    string? Channel = null,
    DateTimeOffset? RedeemedAt = null,
    Guid? ReservationId = null,
    DateTimeOffset? ExpiresAt = null
);

/// <summary>A line as it was priced.</summary>
/// <param name="Id">Of the line.</param>
/// <param name="Quantity">Units.</param>
/// <param name="Amount">Before discounts.</param>
/// <param name="LineDiscount">By promotions on lines.</param>
/// <param name="OrderDiscount">Its share of promotions on the order.</param>
/// <param name="Payable">After both.</param>
internal sealed record DecidedOrderLineShape(
    string Id,
    int Quantity,
    long Amount,
    long LineDiscount,
    long OrderDiscount,
    long Payable
);

/// <summary>A promotion that gave something.</summary>
/// <param name="Id">Of its use or hold; of the redemption, where a code was used.</param>
/// <param name="PromotionId">A promotion; coupon:7 where a coupon prices itself.</param>
/// <param name="Version">That decided.</param>
/// <param name="Discount">What it gave.</param>
/// <param name="CouponId">Of its code.</param>
/// <param name="Code">In its normal form.</param>
/// <param name="FallbackFor">What it stands in for; absent where the code's own coupon is used.</param>
internal sealed record OrderAppliedShape(
    Guid Id,
    string PromotionId,
    int Version,
    long Discount,
    long? CouponId = null,
    string? Code = null,
    FallbackFor? FallbackFor = null
);

/// <summary>A code or promotion that gave nothing.</summary>
/// <param name="Reason">Stable.</param>
/// <param name="Message">For people.</param>
/// <param name="Code">As typed.</param>
/// <param name="PromotionId">Of one that applies by itself; only where they were asked for.</param>
/// <param name="Change">The smallest change that would make it pass.</param>
internal sealed record OrderRejectedShape(
    string Reason,
    string Message,
    string? Code = null,
    string? PromotionId = null,
    SmallestChange? Change = null
);
