using FsCheck;
using FsCheck.Fluent;
using Tessera.Core.Promotions;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class EnginePropertiesTests
{
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    [Fact]
    public void Shares_add_up_to_the_whole_and_no_unit_falls_below_its_floor()
    {
        Holds(seed =>
        {
            var (cart, quote) = Priced(seed, Shops.Promotions(seed + 1));
            var off = cart.Lines.Select((_, i) => quote.LineDiscounts[i] + quote.OrderShares[i]).ToList();
            var floors = cart.Lines.Select(l => Math.Min(l.UnitPriceMinor, l.MinimumUnitPriceMinor) * l.Quantity);
            Assert.All(
                cart.Lines.Zip(off, floors),
                line =>
                {
                    Assert.InRange(line.Second, 0, line.First.AmountMinor - line.Third);
                    Assert.True(line.First.Discountable || line.Second == 0);
                }
            );
            Assert.All(
                cart.Shipping.Zip(quote.ShippingDiscounts),
                s => Assert.InRange(s.Second, 0, s.First.AmountMinor)
            );
            Assert.Equal(quote.DiscountMinor, quote.Applied.Sum(a => a.AmountMinor));
            Assert.Equal(quote.DiscountMinor, quote.Steps.Sum(s => s.DiscountMinor));
            Assert.Equal(
                quote.SubtotalMinor + cart.Shipping.Sum(s => s.AmountMinor) - quote.DiscountMinor,
                quote.TotalMinor
            );
        });
    }

    [Fact]
    public void No_promotion_gives_more_than_its_caps_or_its_budget()
    {
        Holds(seed =>
        {
            var (_, quote) = Priced(seed, Shops.Promotions(seed + 1));
            foreach (var (promotion, amount) in quote.Applied)
            {
                Assert.True(amount > 0);
                Assert.True(amount <= (promotion.Budget?.Limit ?? long.MaxValue));
                if (promotion.Effects.All(e => e.MaxDiscountMinor is not null))
                {
                    Assert.True(amount <= promotion.Effects.Sum(e => e.MaxDiscountMinor));
                }
            }
        });
    }

    [Fact]
    public void A_further_budget_cuts_a_discount_to_what_it_has_left_and_the_price_says_so()
    {
        Holds(seed =>
        {
            var promotion = OneEffect(seed) with { Budget = null };
            var cart = Shops.Cart(seed);
            var full = Price(left: null).DiscountMinor;
            var left = new Dice(seed + 2).NextInt64(0, full + 2);
            var cut = Price(left);
            Assert.Equal(Math.Min(full, left), cut.DiscountMinor);
            Assert.Equal(full > left && left > 0, cut.Applied.Any(static a => a.IsCut));
            if (left == 0 && full > 0)
            {
                Assert.Equal(Reasons.BudgetExhausted, Assert.Single(cut.Rejected).Reason);
            }

            Quote Price(long? left) =>
                PromotionEngine.Price(
                    cart,
                    [promotion],
                    new Dictionary<string, PromotionUse> { [promotion.Id] = new() { LeftMinor = left } },
                    Shops.Now,
                    PricingRules.Default
                );
        });
    }

    /// <summary>The ties that are documented: odd minor units go to the earlier line, and equal units count in cart order.</summary>
    [Fact]
    public void The_order_of_lines_without_equal_prices_moves_no_more_than_an_odd_minor_unit()
    {
        Holds(seed =>
        {
            var promotion = OneEffect(seed);
            var lines = Shops.Cart(seed).Lines.DistinctBy(static l => l.UnitPriceMinor).ToList();
            var cart = Shops.Cart(seed) with { Lines = lines };
            var turned = cart with { Lines = [.. lines.AsEnumerable().Reverse()] };
            var (once, again) = (Price(cart), Price(turned));
            Assert.Equal(once.DiscountMinor, again.DiscountMinor);
            Assert.Equal(once.Rejected.Select(static r => r.Reason), again.Rejected.Select(static r => r.Reason));
            for (var i = 0; i < lines.Count; i++)
            {
                var other = lines.Count - 1 - i;
                var moved =
                    once.LineDiscounts[i] + once.OrderShares[i] - again.LineDiscounts[other] - again.OrderShares[other];
                Assert.InRange(moved, -1, 1);
            }

            Quote Price(Cart cart) =>
                PromotionEngine.Price(cart, [promotion], Shops.Unused, Shops.Now, PricingRules.Default);
        });
    }

    [Fact]
    public void A_promotion_that_is_not_eligible_changes_nothing()
    {
        Holds(seed =>
        {
            var promotions = Shops.Promotions(seed + 1);
            var over = promotions[0] with { Id = "over", Priority = 0, Exclusive = true, ValidUntil = Shops.Now };
            var (_, without) = Priced(seed, promotions);
            var (_, with) = Priced(seed, [over, .. promotions]);
            Same(without, with);
            Assert.Contains(with.Rejected, r => r.Promotion == over && r.Reason == Reasons.Expired);
        });
    }

    [Fact]
    public void What_is_refused_changes_nothing_either()
    {
        Holds(seed =>
        {
            var (_, all) = Priced(seed, Shops.Promotions(seed + 1));
            var (_, alone) = Priced(seed, [.. all.Applied.Select(static a => a.Promotion)]);
            Same(all, alone);
        });
    }

    [Fact]
    public void Pricing_twice_and_in_any_order_of_the_list_gives_the_same()
    {
        Holds(seed =>
        {
            var promotions = Shops.Promotions(seed + 1);
            var (_, once) = Priced(seed, promotions);
            promotions.Reverse();
            var (_, again) = Priced(seed, promotions);
            Same(once, again);
        });
    }

    [Fact]
    public void A_book_finds_every_promotion_that_gives_something()
    {
        Holds(seed =>
        {
            var promotions = Shops.Promotions(seed + 1, most: 12);
            var cart = Shops.Cart(seed);
            var all = PromotionEngine.Price(cart, promotions, Shops.Unused, Shops.Now, PricingRules.Default);
            var book = new PromotionBook(promotions);
            Same(all, PromotionEngine.Price(cart, book, Shops.Unused, Shops.Now, PricingRules.Default));
        });
    }

    [Fact]
    public void The_best_combination_gives_as_much_as_the_best_of_all_combinations()
    {
        Holds(
            seed =>
            {
                var promotions = Shops.Promotions(seed + 1);
                var cart = Shops.Cart(seed);
                var rules = PricingRules.Default with { Selection = Selection.BestCombination };
                var best = PromotionEngine.Price(cart, promotions, Shops.Unused, Shops.Now, rules);
                var most = Enumerable
                    .Range(0, 1 << promotions.Count)
                    .Max(mask =>
                        Priced(seed, [.. promotions.Where((_, i) => (mask >> i & 1) == 1)]).Quote.DiscountMinor
                    );
                Assert.Equal(most, best.DiscountMinor);
            },
            runs: 60
        );
    }

    [Fact]
    public void Spreading_gives_every_unit_away_and_nobody_more_than_there_is_room_for()
    {
        Holds(seed =>
        {
            var random = new Dice(seed);
            var weights = Enumerable
                .Range(0, random.Next(1, 9))
                .Select(_ => random.NextInt64(1, 1L << random.Next(1, 50)));
            var weight = weights.ToArray();
            var rooms = weight.Select(w => random.Next(0, 2) == 0 ? w : random.NextInt64(0, w + 1)).ToArray();
            var amount = random.NextInt64(0, rooms.Sum() + 5);
            var shares = new long[weight.Length];
            Spreading.Spread(amount, weight, rooms, shares);
            Assert.Equal(Math.Min(amount, rooms.Sum()), shares.Sum());
            Assert.All(shares.Zip(rooms), s => Assert.InRange(s.First, 0, s.Second));
        });
    }

    [Theory]
    [InlineData(999, 10.5, 105)]
    [InlineData(1, 50, 1)]
    [InlineData(33, 33.333, 11)]
    [InlineData(1_000_000_000_000_000, 17.5, 175_000_000_000_000)]
    public void A_percentage_is_exact_and_rounds_half_up(long amount, decimal percent, long expected) =>
        Assert.Equal(expected, Spreading.PercentOf(amount, percent));

    /// <summary>A promotion of one effect that takes units by what they cost.</summary>
    private static Promotion OneEffect(int seed)
    {
        var promotion = Shops.Promotions(seed + 1)[0];
        var effect = promotion.Effects[0] switch
        {
            BundlePrice bundle => bundle with { Pick = ByPrice(bundle.Pick) },
            BuyGet get => get with { Pick = ByPrice(get.Pick) },
            var other => other,
        };
        effect = effect with
        {
            MaxUnits = effect.MaxUnits is { } limit ? limit with { Pick = ByPrice(limit.Pick) } : null,
        };
        return promotion with { Effects = [effect] };

        static UnitPick ByPrice(UnitPick pick) => pick == UnitPick.LineOrder ? UnitPick.Dearest : pick;
    }

    private static void Same(Quote expected, Quote actual)
    {
        Assert.Equal(expected.LineDiscounts, actual.LineDiscounts);
        Assert.Equal(expected.OrderShares, actual.OrderShares);
        Assert.Equal(expected.ShippingDiscounts, actual.ShippingDiscounts);
        Assert.Equal(expected.TotalWithTaxMinor, actual.TotalWithTaxMinor);
        Assert.Equal(expected.Applied.Select(a => a.AmountMinor), actual.Applied.Select(a => a.AmountMinor));
    }

    private static (Cart Cart, Quote Quote) Priced(int seed, List<Promotion> promotions)
    {
        var cart = Shops.Cart(seed);
        return (cart, PromotionEngine.Price(cart, promotions, Shops.Unused, Shops.Now, PricingRules.Default));
    }

    private static void Holds(Action<int> property, int runs = 400) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(runs), Prop.ForAll(Seeds, property));
}
