using System.Text.Json.Serialization;

namespace Tessera.Server.Promotions;

/// <summary>A cart to be priced. Amounts are minor units of its currency.</summary>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Lines">What is bought; 1 to 1,000.</param>
/// <param name="Codes">As typed, at most 30.</param>
/// <param name="CustomerId">Who buys; null for an unknown visitor.</param>
/// <param name="Customer">What the shop knows of the customer.</param>
/// <param name="Shipping">The deliveries.</param>
/// <param name="Channel">Where.</param>
/// <param name="Store">The shop or site.</param>
/// <param name="PricesIncludeTax">What prices are; false unless given.</param>
/// <param name="At">Another instant than now; asks for quotes.any_time.</param>
/// <param name="Selection">all (unless given), best_per_line, best_for_order or best_combination.</param>
/// <param name="WithinMs">How long the best combination is searched, 1 to 2000; 50 unless given.</param>
/// <param name="Explain">Whether the receipt is in the answer; true unless given. Quotes on every keystroke go without.</param>
/// <param name="Keep">Whether the receipt is kept under an id.</param>
internal sealed record QuoteRequest(
    string Currency,
    IReadOnlyList<QuoteLine> Lines,
    IReadOnlyList<string>? Codes = null,
    Guid? CustomerId = null,
    QuoteCustomer? Customer = null,
    IReadOnlyList<QuoteDelivery>? Shipping = null,
    string? Channel = null,
    string? Store = null,
    bool? PricesIncludeTax = null,
    DateTimeOffset? At = null,
    string? Selection = null,
    int? WithinMs = null,
    bool? Explain = null,
    bool? Keep = null
);

/// <summary>One line.</summary>
/// <param name="Id">The shop's name of it, unique in the cart.</param>
/// <param name="Sku">What is sold.</param>
/// <param name="UnitPrice">Of one unit, before discounts.</param>
/// <param name="Quantity">Units.</param>
/// <param name="Currency">That of the cart, where it is named again.</param>
/// <param name="Categories">It is in; those above them follow from the tree of categories, if there is one.</param>
/// <param name="Discountable">False takes no discount and counts toward no threshold.</param>
/// <param name="OnSale">Already reduced by the shop.</param>
/// <param name="MinimumUnitPrice">No discount goes below it.</param>
/// <param name="TaxRate">In percent.</param>
/// <param name="Service">What is booked.</param>
/// <param name="SessionType">How.</param>
/// <param name="Consultant">With whom.</param>
internal sealed record QuoteLine(
    string Id,
    string Sku,
    long UnitPrice,
    int Quantity,
    string? Currency = null,
    IReadOnlyList<string>? Categories = null,
    bool? Discountable = null,
    bool? OnSale = null,
    long? MinimumUnitPrice = null,
    decimal? TaxRate = null,
    string? Service = null,
    string? SessionType = null,
    string? Consultant = null
);

/// <summary>One delivery.</summary>
/// <param name="Id">The shop's name of it.</param>
/// <param name="Method">How it is sent.</param>
/// <param name="Amount">Its price.</param>
/// <param name="Currency">That of the cart, where it is named again.</param>
/// <param name="TaxRate">In percent.</param>
internal sealed record QuoteDelivery(
    string Id,
    string Method,
    long Amount,
    string? Currency = null,
    decimal? TaxRate = null
);

/// <summary>What the shop knows of the customer.</summary>
/// <param name="Email">Also recognises a customer; it is not kept.</param>
/// <param name="Groups">The shop's own groups.</param>
/// <param name="CompletedOrders">Before this one; at least those known here count.</param>
/// <param name="Region">Where the customer lives.</param>
internal sealed record QuoteCustomer(
    string? Email = null,
    IReadOnlyList<string>? Groups = null,
    int? CompletedOrders = null,
    string? Region = null
);

/// <summary>A priced cart.</summary>
/// <param name="At">The instant it holds for.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Subtotal">Goods before discounts.</param>
/// <param name="Discount">All discounts.</param>
/// <param name="Payable">Goods and deliveries after discounts.</param>
/// <param name="Tax">On the reduced prices.</param>
/// <param name="PayableWithTax">The same where prices include tax.</param>
/// <param name="Lines">Each line with its discounts.</param>
/// <param name="Shipping">Each delivery with its discount.</param>
/// <param name="Applied">What gave something, in order.</param>
/// <param name="Rejected">What gave nothing, and why.</param>
/// <param name="IsBest">False when the search ran out of time; only of best_combination.</param>
/// <param name="Receipt">Why it came out so.</param>
internal sealed record QuoteAnswer(
    DateTimeOffset At,
    string Currency,
    long Subtotal,
    long Discount,
    long Payable,
    long Tax,
    long PayableWithTax,
    IReadOnlyList<QuotedLine> Lines,
    IReadOnlyList<QuotedDelivery> Shipping,
    IReadOnlyList<QuotedPromotion> Applied,
    IReadOnlyList<QuoteRejection> Rejected,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? IsBest = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ReceiptView? Receipt = null
);

/// <summary>A line as priced.</summary>
/// <param name="Id">The shop's name of it.</param>
/// <param name="Amount">Before discounts.</param>
/// <param name="LineDiscount">Of effects on lines.</param>
/// <param name="OrderDiscount">Its share of effects on the order.</param>
/// <param name="Payable">What is left.</param>
internal sealed record QuotedLine(string Id, long Amount, long LineDiscount, long OrderDiscount, long Payable);

/// <summary>A delivery as priced.</summary>
/// <param name="Id">The shop's name of it.</param>
/// <param name="Amount">Before discounts.</param>
/// <param name="Discount">What was taken off.</param>
internal sealed record QuotedDelivery(string Id, long Amount, long Discount);

/// <summary>What gave something.</summary>
/// <param name="PromotionId">The promotion, or coupon: and the id of a coupon that prices itself.</param>
/// <param name="Version">That decided.</param>
/// <param name="Discount">How much.</param>
/// <param name="Code">As typed; absent for one that applies by itself.</param>
/// <param name="FallbackFor">What it stands in for; absent where the code's own promotion applies.</param>
internal sealed record QuotedPromotion(
    string PromotionId,
    int Version,
    long Discount,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FallbackFor? FallbackFor = null
);

/// <summary>The promotion of a code, when another one stands in because it is exhausted or not eligible (CMP-01).</summary>
/// <param name="PromotionId">Of the typed code.</param>
/// <param name="Reason">limit_reached, below_minimum, or another reason of refusals.</param>
internal sealed record FallbackFor(string PromotionId, string Reason);

/// <summary>What gave nothing.</summary>
/// <param name="Reason">Stable; coupon_not_valid for codes this caller may know nothing of.</param>
/// <param name="Code">As typed; absent for one that applies by itself.</param>
/// <param name="PromotionId">The promotion; absent where the caller may not know.</param>
/// <param name="Layer">Which layer of eligibility failed first.</param>
/// <param name="Change">The smallest change that would make it pass, where there is one.</param>
internal sealed record QuoteRejection(
    string Reason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PromotionId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Layer = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] SmallestChange? Change = null
);

/// <summary>The smallest change that would make it pass.</summary>
/// <param name="Kind">spend_more, spend_less, add_units, wait_until or remove_code.</param>
/// <param name="Amount">Minor units or units.</param>
/// <param name="At">The instant to wait for.</param>
/// <param name="Subject">The promotion in the way.</param>
internal sealed record SmallestChange(
    string Kind,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Amount = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? At = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Subject = null
);

/// <summary>Why a price came out as it did.</summary>
/// <param name="Id">Under which it is kept; absent when it is not.</param>
/// <param name="Kind">quote, reservation, redemption or refusal.</param>
/// <param name="SubjectId">What it explains, where that is kept.</param>
/// <param name="At">The instant it was decided for.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Subtotal">Goods before discounts.</param>
/// <param name="Total">Goods and deliveries after discounts.</param>
/// <param name="Tax">On the reduced prices.</param>
/// <param name="Verdicts">What gave something in order, then what was refused.</param>
/// <param name="Steps">Every amount taken off, in order.</param>
/// <param name="Language">Of the sentences.</param>
/// <param name="Sentences">The same for people.</param>
internal sealed record ReceiptView(
    string Kind,
    DateTimeOffset At,
    string Currency,
    long Subtotal,
    long Total,
    long Tax,
    IReadOnlyList<VerdictView> Verdicts,
    IReadOnlyList<StepView> Steps,
    string Language,
    IReadOnlyList<string> Sentences,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? Id = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? SubjectId = null
);

/// <summary>What became of one promotion.</summary>
/// <param name="Discount">What it gave; 0 when it was refused.</param>
/// <param name="PromotionId">The promotion; absent for codes nobody, or not this caller, may know.</param>
/// <param name="Version">That decided.</param>
/// <param name="Code">As typed; absent for one that applies by itself.</param>
/// <param name="Reason">Why it was refused; absent when it gave something.</param>
/// <param name="Layer">Which layer of eligibility failed first.</param>
/// <param name="Change">The smallest change that would make it pass.</param>
/// <param name="Conditions">The verdict on every single condition.</param>
/// <param name="CutByBudget">True when the discount is all that a budget had left, of more.</param>
internal sealed record VerdictView(
    long Discount,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PromotionId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Version = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Layer = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] SmallestChange? Change = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        IReadOnlyList<ConditionVerdictView>? Conditions = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? CutByBudget = null
);

/// <summary>What became of one condition.</summary>
/// <param name="Path">Where it is written.</param>
/// <param name="Holds">Whether it held.</param>
/// <param name="Reason">Why not.</param>
internal sealed record ConditionVerdictView(
    string Path,
    bool Holds,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null
);

/// <summary>One amount taken off.</summary>
/// <param name="PromotionId">By which promotion.</param>
/// <param name="Target">lines, order or shipping.</param>
/// <param name="Id">The line or delivery.</param>
/// <param name="Before">What it cost before.</param>
/// <param name="Discount">What was taken off.</param>
internal sealed record StepView(string PromotionId, string Target, string Id, long Before, long Discount);
