using Tessera.Core.Promotions;

namespace Tessera.Core.Tests.Promotions;

/// <summary>Carts and promotions of every kind, each determined by its seed.</summary>
internal static class Shops
{
    public static readonly DateTimeOffset Now = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    public static readonly IReadOnlyDictionary<string, PromotionUse> Unused = new Dictionary<string, PromotionUse>(
        StringComparer.Ordinal
    );

    public static Cart Cart(int seed)
    {
        var random = new Dice(seed);
        var lines = Enumerable
            .Range(0, random.Next(1, 7))
            .Select(i =>
            {
                var price = random.Next(0, 3) == 0 ? random.Next(0, 20) : random.Next(0, 20_000);
                return new CartLine($"l{i}", $"S{random.Next(0, 5)}", price, random.Next(1, 6))
                {
                    Categories = [$"c{random.Next(0, 3)}"],
                    Discountable = random.Next(0, 8) > 0,
                    OnSale = random.Next(0, 4) == 0,
                    MinimumUnitPriceMinor = random.Next(0, 4) == 0 ? random.Next(0, price + 10) : 0,
                    TaxPercent = random.Next(0, 3) * 9.5m,
                };
            });
        return new Cart("USD", [.. lines])
        {
            Shipping = random.Next(0, 2) == 0 ? [] : [new Shipping("s0", "std", random.Next(0, 2000), 20)],
            PricesIncludeTax = random.Next(0, 2) == 0,
        };
    }

    public static List<Promotion> Promotions(int seed, int most = 5)
    {
        var random = new Dice(seed);
        return [.. Enumerable.Range(1, random.Next(1, most + 1)).Select(i => Promotion(random, i))];
    }

    private static Promotion Promotion(Dice random, int priority) =>
        new($"p{priority}", priority, [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Effect(random))])
        {
            StopsFurther = random.Next(0, 6) == 0,
            Groups = random.Next(0, 3) == 0 ? [$"g{random.Next(0, 2)}"] : [],
            Budget =
                random.Next(0, 5) == 0
                    ? new PromotionBudget(false, random.Next(1, 3000), (BudgetOverflow)random.Next(0, 2))
                    : null,
            Condition =
                random.Next(0, 3) == 0
                    ? new Subtotal(Comparison.AtLeast, random.Next(0, 20_000), random.Next(0, 2) == 0, LineFilter.Any)
                    : null,
        };

    private static Effect Effect(Dice random)
    {
        var pick = (UnitPick)random.Next(0, 3);
        var target = (EffectTarget)random.Next(0, 3);
        var percent = random.Next(0, 100_001) / 1000m;
        Effect effect = random.Next(0, 7) switch
        {
            0 => new PercentOff(percent) { Target = target },
            1 => new AmountOff(random.Next(0, 5000)) { Target = target },
            2 => new FixedPrice(random.Next(0, 5000)) { Target = target },
            3 => new TieredOff(
                true,
                (TierBasis)random.Next(0, 3),
                percent / 2,
                [new Tier(random.Next(1, 5000), percent)]
            )
            {
                Target = target,
            },
            4 => new GraduatedOff(random.Next(0, 500), random.Next(0, 500), random.Next(1, 4))
            {
                Target = EffectTarget.Lines,
            },
            5 => new BundlePrice(random.Next(1, 4), random.Next(0, 9000), pick, null) { Target = EffectTarget.Lines },
            _ => new BuyGet(
                random.Next(1, 3),
                LineFilter.Any,
                random.Next(1, 3),
                LineFilter.Any,
                percent,
                pick,
                random.Next(0, 2) == 0,
                random.Next(0, 2) == 0 ? null : 1
            )
            {
                Target = EffectTarget.Lines,
            },
        };
        return effect with
        {
            Allocation = (Allocation)random.Next(0, 3),
            ReachesShipping = random.Next(0, 3) == 0,
            WeighByQuantity = random.Next(0, 4) == 0,
            MaxDiscountMinor = random.Next(0, 4) == 0 ? random.Next(1, 3000) : null,
            MaxUnits =
                random.Next(0, 4) == 0 ? new UnitLimit(random.Next(1, 4), null, random.Next(0, 2) == 0, pick) : null,
            Filter = random.Next(0, 3) == 0 ? new LineFilter { Categories = ["c0", "c1"] } : LineFilter.Any,
        };
    }
}
