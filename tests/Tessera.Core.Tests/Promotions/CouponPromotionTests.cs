using FsCheck;
using FsCheck.Fluent;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class CouponPromotionTests
{
    private static readonly Shopper Customer = new("c1");

    [Fact]
    public void A_coupon_gives_the_same_alone_and_through_the_engine() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(
                Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
                seed =>
                {
                    var dice = new Dice(seed);
                    var terms = Terms((DiscountType)dice.Next(0, 2)) with
                    {
                        Percent = dice.Next(1, 100_001) / 1000m,
                        AmountMinor = dice.Next(1, 100_000),
                        MaxDiscountMinor = dice.Next(0, 2) == 0 ? null : dice.Next(1, 5_000),
                    };
                    var order = dice.Next(1, 200_000);
                    Assert.Equal(
                        CouponPricing.Discount(terms, order),
                        Price(terms, new CartLine("a", "A", order, 1)).DiscountMinor
                    );
                }
            )
        );

    [Fact]
    public void A_free_session_frees_the_dearest_eligible_session_and_no_other()
    {
        var terms = Terms(DiscountType.FreeSession) with { EligibleServices = ["talk"] };
        var quote = Price(
            terms,
            new CartLine("a", "A", 5_000, 2) { Service = "talk" },
            new CartLine("b", "B", 9_000, 1) { Service = "course" }
        );
        Assert.Equal([5_000, 0], quote.LineDiscounts);
        Assert.Equal(14_000, quote.TotalMinor);
    }

    [Fact]
    public void A_minimum_is_refused_with_what_is_missing()
    {
        var quote = Price(
            Terms(DiscountType.Percentage) with
            {
                MinimumOrderMinor = 1_420,
            },
            new CartLine("a", "A", 1_000, 1)
        );
        Assert.Equal((Reasons.BelowMinimum, 420), (quote.Rejected[0].Reason, quote.Rejected[0].Change!.Amount));
    }

    [Fact]
    public void An_excluded_category_excludes_those_below_it_even_in_a_circle()
    {
        var tree = new CategoryTree(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["shirts"] = "clothes",
                ["clothes"] = "goods",
                ["goods"] = "shirts",
            }
        );
        Assert.Equal(["shirts", "clothes", "goods"], tree.WithAncestors(["shirts"]));
        var without = new LineFilter { ExcludeCategories = ["clothes"] };
        Assert.False(without.Matches(new CartLine("a", "A", 1, 1) { Categories = tree.WithAncestors(["shirts"]) }));
        Assert.True(without.Matches(new CartLine("a", "A", 1, 1) { Categories = tree.WithAncestors(["mugs"]) }));
    }

    private static Quote Price(CouponTerms terms, params CartLine[] lines) =>
        PromotionEngine.Price(
            new Cart("USD", lines) { Codes = [" save "], Customer = Customer },
            [CouponPromotion.Of(terms, "SAVE", 1)],
            Shops.Unused,
            Shops.Now,
            PricingRules.Default
        );

    private static CouponTerms Terms(DiscountType type) =>
        new()
        {
            Id = 7,
            Version = 2,
            HasSharedCode = true,
            IsActive = true,
            DiscountType = type,
            Percent = 10,
            Currency = "USD",
            MaxUsesPerUser = 1,
            ValidFrom = Shops.Now,
            ValidUntil = DateTimeOffset.MaxValue,
        };
}
