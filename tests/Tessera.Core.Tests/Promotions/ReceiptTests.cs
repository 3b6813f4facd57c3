using Tessera.Core.Promotions;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class ReceiptTests
{
    private static readonly Cart Cart = new("USD", [new CartLine("a", "A", 1000, 1)])
    {
        Codes = ["save10", "big"],
        Shipping = [new Shipping("post", "std", 500)],
    };

    private static readonly Promotion Save = new(
        "save",
        1,
        [new PercentOff(10) { Target = EffectTarget.Order, ReachesShipping = true }]
    )
    {
        Code = "SAVE10",
        Version = 3,
    };

    private static readonly Promotion Big = new("big", 2, [new AmountOff(500) { Target = EffectTarget.Order }])
    {
        Code = "BIG",
        Condition = new Subtotal(Comparison.AtLeast, 1420, Running: false, LineFilter.Any),
    };

    [Fact]
    public void A_receipt_says_in_words_what_was_given_and_what_is_missing()
    {
        Assert.Equal(
            [
                "save takes 1.00 USD off the order at line a, which cost 10.00 USD.",
                "save takes 0.50 USD off delivery post, which cost 5.00 USD.",
                "big does not apply: the order is too small. Spend 4.20 USD more.",
                "Goods of 10.00 USD come to 13.50 USD with delivery and discounts.",
            ],
            ReceiptText.English(Priced())
        );
        Assert.Equal(
            [
                "save senkt die Bestellung um 1,00 USD bei Position a, die 10,00 USD kostete.",
                "save senkt die Lieferung post von 5,00 USD um 0,50 USD.",
                "big wird nicht angewandt: die Bestellung ist zu klein. Es fehlen 4,20 USD.",
                "Waren für 10,00 USD kosten mit Lieferung und Rabatten 13,50 USD.",
            ],
            ReceiptText.German(Priced())
        );
    }

    [Fact]
    public void A_stored_receipt_comes_back_and_agrees_with_a_recomputation()
    {
        var stored = Priced().ToBytes();
        Assert.InRange(stored.Length, 1, 500);
        Assert.Null(Receipt.FromBytes(stored).FirstDifference(Priced()));
    }

    [Fact]
    public void A_recomputation_with_another_version_names_the_first_difference()
    {
        var other = Save with { Version = 4 };
        var difference = Priced().FirstDifference(Priced(other));
        Assert.NotNull(difference);
        Assert.StartsWith("verdict 1", difference, StringComparison.Ordinal);
    }

    private static Receipt Priced(Promotion? save = null) =>
        Receipt.Of(
            PromotionEngine.Price(Cart, [save ?? Save, Big], Shops.Unused, Shops.Now, PricingRules.Default),
            Cart,
            Shops.Now
        );
}
