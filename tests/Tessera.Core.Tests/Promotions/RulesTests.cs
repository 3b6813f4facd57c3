using Tessera.Core.Promotions;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class RulesTests
{
    private static readonly PercentOff Ten = new(10) { Target = EffectTarget.Order };
    private static readonly Cart Cart = new("USD", [new CartLine("a", "A", 1000, 1)]);

    public static TheoryData<Promotion, string> Faults() =>
        new()
        {
            { new Promotion("p", 1, []), "required" },
            {
                new Promotion("p", 1, [Ten]) { ValidFrom = Shops.Now, ValidUntil = Shops.Now },
                "never_true"
            },
            {
                new Promotion("p", 1, [Ten]) { MaxUses = 0 },
                "out_of_range"
            },
            { new Promotion("p", 1, [new PercentOff(100.5m) { Target = EffectTarget.Order }]), "out_of_range" },
            {
                new Promotion(
                    "p",
                    1,
                    [
                        Ten with
                        {
                            Filter = new LineFilter { Skus = ["A"], ExcludeSkus = ["A"] },
                        },
                    ]
                ),
                "never_true"
            },
            {
                new Promotion("p", 1, [Ten]) { Condition = Spend(2000, 1000) },
                "contradiction"
            },
            {
                new Promotion("p", 1, [Ten])
                {
                    Condition = new AllOf([
                        new InGroup(["a", "b"]),
                        new NoneOf([new AllOf([new InGroup(["b", "a"])])]),
                    ]),
                },
                "contradiction"
            },
            {
                new Promotion("p", 1, [Ten])
                {
                    Condition = new AllOf([new InRegion(["AT", "DE"]), new AllOf([new AllOf([new InRegion(["FR"])])])]),
                },
                "contradiction"
            },
            {
                new Promotion("p", 1, [Ten]) { Condition = Deep(100) },
                "too_deep"
            },
            {
                new Promotion("p", 1, [Ten])
                {
                    Condition = new Subtotal(Comparison.AtLeast, 0, Running: false, LineFilter.Any),
                },
                "always_true"
            },
        };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_rule_that_can_never_or_must_always_hold_is_named_on_save(Promotion promotion, string code) =>
        Assert.Contains(RuleCheck.Of(promotion, []), finding => finding.Code == code);

    [Fact]
    public void What_can_hold_together_is_no_contradiction()
    {
        var condition = new AllOf([
            new InGroup(["a", "b"]),
            new InRegion(["AT", "DE"]),
            new NoneOf([new InGroup(["b"]), new AllOf([new InGroup(["a"]), new NthOrder(1)])]),
            new AllOf([new AllOf([new InRegion(["DE"])]), Spend(1000, 1000)]),
        ]);
        Assert.Empty(RuleCheck.Of(new Promotion("p", 1, [Ten]) { Condition = condition }, []));
    }

    [Fact]
    public void A_promotion_shadowed_by_an_exclusive_one_is_warned_of()
    {
        var over = new Promotion("over", 1, [Ten]) { Exclusive = true };
        var finding = Assert.Single(RuleCheck.Of(new Promotion("p", 2, [Ten]), [over]));
        Assert.Equal((false, "shadowed"), (finding.IsError, finding.Code));
    }

    [Fact]
    public void Groups_of_an_exclusive_promotion_are_warned_of()
    {
        var alone = new Promotion("p", 2, [Ten]) { Exclusive = true, Groups = ["a"] };
        var finding = Assert.Single(RuleCheck.Of(alone, []));
        Assert.Equal((false, "contradiction"), (finding.IsError, finding.Code));
    }

    [Fact]
    public void Hours_hold_in_their_own_zone_and_over_midnight_and_say_when_they_begin()
    {
        var night = new Hours([DayOfWeek.Tuesday], new TimeOnly(22, 0), new TimeOnly(2, 0), "Europe/Berlin");
        var promotion = new Promotion("p", 1, [Ten]) { Condition = night };
        Quote At(int day, int hour) =>
            PromotionEngine.Price(
                Cart,
                [promotion],
                Shops.Unused,
                new DateTimeOffset(2026, 3, day, hour, 0, 0, TimeSpan.Zero),
                PricingRules.Default
            );
        Assert.Equal(100, At(10, 21).DiscountMinor);
        Assert.Equal(100, At(11, 0).DiscountMinor);
        Assert.Equal(0, At(11, 1).DiscountMinor);
        var refused = Assert.Single(At(10, 12).Rejected);
        Assert.Equal(Reasons.OutsideHours, refused.Reason);
        Assert.Equal(new DateTimeOffset(2026, 3, 10, 21, 0, 0, TimeSpan.Zero), refused.Change!.At);
    }

    [Fact]
    public void Promotions_of_different_groups_do_not_combine_and_the_one_in_the_way_is_named()
    {
        var first = new Promotion("first", 1, [Ten]) { Groups = ["spring"] };
        var second = new Promotion("second", 2, [Ten]) { Groups = ["loyal"] };
        var quote = PromotionEngine.Price(Cart, [first, second], Shops.Unused, Shops.Now, PricingRules.Default);
        Assert.Equal(100, quote.DiscountMinor);
        Assert.Equal((Reasons.NotStackable, "first"), (quote.Rejected[0].Reason, quote.Rejected[0].Change!.Subject));
    }

    [Theory]
    [InlineData(4, 3, 100, 0)]
    [InlineData(7, 15, 300, 300)]
    [InlineData(13, 8, 300, 200)]
    public void Lines_are_grouped_together_or_apart(int first, int second, long together, long apart)
    {
        var seventh = new BuyGet(6, LineFilter.Any, 1, LineFilter.Any, 100, UnitPick.Cheapest, false, null)
        {
            Target = EffectTarget.Lines,
        };
        var cart = new Cart("USD", [new CartLine("a", "A", 100, first), new CartLine("b", "B", 100, second)]);
        long Off(Effect effect) =>
            PromotionEngine
                .Price(cart, [new Promotion("p", 1, [effect])], Shops.Unused, Shops.Now, PricingRules.Default)
                .DiscountMinor;
        Assert.Equal(together, Off(seventh));
        Assert.Equal(apart, Off(seventh with { PerLine = true }));
    }

    [Fact]
    public void What_gives_nothing_uses_no_unit_up()
    {
        var cart = new Cart(
            "USD",
            [new CartLine("a", "A", 1000, 2) { MinimumUnitPriceMinor = 1000 }, new CartLine("b", "B", 500, 1)]
        );
        var (a, b) = (new LineFilter { Skus = ["A"] }, new LineFilter { Skus = ["B"] });
        var second = new Promotion("second", 1, [Get(1, a, a)]);
        var gift = new Promotion("gift", 2, [Get(2, a, b)]);
        var quote = PromotionEngine.Price(cart, [second, gift], Shops.Unused, Shops.Now, PricingRules.Default);
        Assert.Equal(Reasons.NothingLeft, Assert.Single(quote.Rejected).Reason);
        Assert.Equal((gift, 500), Assert.Single(quote.Applied.Select(static p => (p.Promotion, p.AmountMinor))));

        static BuyGet Get(int quantity, LineFilter buy, LineFilter get) =>
            new(quantity, buy, 1, get, 100, UnitPick.Cheapest, false, null) { Target = EffectTarget.Lines };
    }

    [Fact]
    public void The_first_failing_layer_is_reported()
    {
        var promotion = new Promotion("p", 1, [Ten])
        {
            Condition = new AllOf([
                new AnyOf([new InGroup(["gold"]), new InRegion(["DE"])]),
                new Subtotal(Comparison.AtLeast, 5000, Running: false, LineFilter.Any),
            ]),
        };
        var quote = PromotionEngine.Price(Cart, [promotion], Shops.Unused, Shops.Now, PricingRules.Default);
        Assert.Equal(Reasons.WrongSegment, quote.Rejected[0].Reason);
        var gold = Cart with { Customer = new Shopper("c") { Groups = ["gold"] } };
        quote = PromotionEngine.Price(gold, [promotion], Shops.Unused, Shops.Now, PricingRules.Default);
        Assert.Equal((Reasons.BelowMinimum, 4000), (quote.Rejected[0].Reason, quote.Rejected[0].Change!.Amount));
    }

    [Fact]
    public void A_cart_out_of_bounds_is_refused_field_by_field()
    {
        var bad = new Cart("usd", [new CartLine("a", "A", -1, 0), new CartLine("a", "A", long.MaxValue, int.MaxValue)])
        {
            Codes = [.. Enumerable.Repeat("X", 31)],
        };
        var codes = CartCheck.Of(bad).Select(e => $"{e.Field} {e.Code}").ToList();
        Assert.Contains("lines[0].unit_price out_of_range", codes);
        Assert.Contains("lines[0].quantity out_of_range", codes);
        Assert.Contains("lines[1].id duplicate", codes);
        Assert.Contains("lines amount_too_large", codes);
        Assert.Contains("lines too_many_units", codes);
        Assert.Contains("codes too_many_codes", codes);
        Assert.Contains("currency invalid_currency", codes);
        Assert.Equal(
            "lines required",
            Assert.Single(CartCheck.Of(new Cart("USD", [])).Select(e => $"{e.Field} {e.Code}"))
        );
        var many = new Cart("USD", [.. Enumerable.Range(0, 10_000).Select(i => new CartLine($"{i}", "A", 1, 1))]);
        Assert.Equal("too_many", Assert.Single(CartCheck.Of(many)).Code);
    }

    private static AllOf Spend(long least, long most) =>
        new([
            new Subtotal(Comparison.AtLeast, least, Running: false, LineFilter.Any),
            new Subtotal(Comparison.AtMost, most, Running: false, LineFilter.Any),
        ]);

    private static Condition Deep(int depth)
    {
        Condition condition = new NothingOnSale();
        for (var i = 0; i < depth; i++)
        {
            condition = new NoneOf([condition]);
        }

        return condition;
    }
}
