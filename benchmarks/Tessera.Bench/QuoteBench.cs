using System.Diagnostics;
using System.Globalization;
using Tessera.Core.Promotions;

namespace Tessera.Bench;

/// <summary>A cart of 20 lines against more and more active promotions, 20 of which can meet it.</summary>
internal static class QuoteBench
{
    public static readonly DateTimeOffset Now = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    public static readonly Dictionary<string, PromotionUse> Unused = new(StringComparer.Ordinal);

    public static readonly PricingRules Rules = new() { Explain = false, ReportAutomatic = false };

    /// <summary>Prints one JSON object.</summary>
    public static async Task<int> RunAsync(bool quick)
    {
        var cart = Cart();
        var figures = new List<string>();
        foreach (var active in new[] { 10, 100, 1_000, 10_000 })
        {
            var book = new PromotionBook(Promotions(active));
            var (median, allocated) = Measure(cart, book, quick ? 2_000 : 20_000);
            figures.Add(string.Create(CultureInfo.InvariantCulture, $"\"median_us_{active}_active\": {median:0.0}"));
            figures.Add(
                string.Create(CultureInfo.InvariantCulture, $"\"allocated_bytes_{active}_active\": {allocated}")
            );
        }

        var (quotes, empty) = await QuoteHttp.RunAsync(quick);
        figures.Add(string.Create(CultureInfo.InvariantCulture, $"\"http_quotes_per_s\": {quotes:0}"));
        figures.Add(string.Create(CultureInfo.InvariantCulture, $"\"http_empty_per_s\": {empty:0}"));
        figures.Add(string.Create(CultureInfo.InvariantCulture, $"\"http_ratio\": {quotes / empty:0.00}"));
        await Console.Out.WriteLineAsync($"{{ {string.Join(", ", figures)} }}");
        return 0;
    }

    /// <summary>20 lines of different goods, with delivery.</summary>
    public static Cart Cart() =>
        new(
            "USD",
            [
                .. Enumerable
                    .Range(0, 20)
                    .Select(i => new CartLine($"l{i}", $"S{i}", 1000 + (i * 37), 1 + (i % 3))
                    {
                        Categories = [$"c{i % 5}"],
                    }),
            ]
        )
        {
            Shipping = [new Shipping("s", "std", 500)],
            Channel = "web",
        };

    /// <summary>Mixed kinds; the first 20 name goods of the cart, the others goods it does not have.</summary>
    public static IEnumerable<Promotion> Promotions(int count) =>
        Enumerable
            .Range(0, count)
            .Select(i =>
            {
                var filter = new LineFilter { Skus = [i < 20 ? $"S{i}" : $"X{i}"] };
                Effect effect = (i % 5) switch
                {
                    0 => new PercentOff(10) { Target = EffectTarget.Lines, Allocation = Allocation.EachLine },
                    1 => new AmountOff(100) { Target = EffectTarget.Lines, Allocation = Allocation.Across },
                    2 => new PercentOff(5) { Target = EffectTarget.Order },
                    3 => new FixedPrice(900) { Target = EffectTarget.Lines },
                    _ => new BuyGet(1, filter, 1, filter, 50, UnitPick.Cheapest, false, null)
                    {
                        Target = EffectTarget.Lines,
                    },
                };
                return new Promotion($"p{i}", i + 1, [effect with { Filter = filter }]);
            });

    private static (double MedianMicroseconds, long Bytes) Measure(Cart cart, PromotionBook book, int runs)
    {
        for (var i = 0; i < 2_000; i++)
        {
            _ = PromotionEngine.Price(cart, book, Unused, Now, Rules);
        }

        var times = new double[runs];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < runs; i++)
        {
            var start = Stopwatch.GetTimestamp();
            _ = PromotionEngine.Price(cart, book, Unused, Now, Rules);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / runs;
        Array.Sort(times);
        return (times[runs / 2], bytes);
    }
}
