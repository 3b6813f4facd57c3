using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>One case of the open test kit for promotions: a cart, promotions, a history, and what must come out.</summary>
/// <param name="Id">Stable name.</param>
/// <param name="Title">In words.</param>
/// <param name="Features">What it needs beyond the core.</param>
/// <param name="Cart">The cart.</param>
/// <param name="Promotions">The promotions, first priority first.</param>
/// <param name="Rules">Rules of the house.</param>
/// <param name="Now">The instant.</param>
/// <param name="Book">What was used and held before.</param>
/// <param name="Expected">What must come out, as written.</param>
public sealed record OracleCase(
    string Id,
    string Title,
    IReadOnlyList<string> Features,
    Cart Cart,
    IReadOnlyList<Promotion> Promotions,
    PricingRules Rules,
    DateTimeOffset Now,
    OracleHistory Book,
    JsonElement Expected
)
{
    /// <summary>Every feature the engine supports; a case that needs another is skipped by name.</summary>
    public static readonly IReadOnlySet<string> Supported = new HashSet<string>(
        "shipping buyGet bundlePrice fixedPrice tiered graduated unitLimit unitGroups perUnit linesAcross quantityWeights reachShipping floorPrice priceFilter onSale budget holds restoreUsage ownOrder nthOrder customerGroups channels cartContents cartQuantity shippingCondition runningThreshold spendRange percentOfOriginal bestPerLine bestForOrder stopFurther multiEffect codeLimit allOrNothing tax".Split(
            ' '
        ),
        StringComparer.Ordinal
    );

    /// <summary>Prices the case on the pure engine.</summary>
    public Quote Price() => PromotionEngine.Price(Cart, Promotions, Book.Uses(this), Now, Rules);
}
