using System.Globalization;
using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>Holds a result against what a case expects.</summary>
public static class OracleComparison
{
    /// <summary>The first field that differs, with both values; null when all agree.</summary>
    public static string? FirstDifference(OracleCase of, Quote quote)
    {
        ArgumentNullException.ThrowIfNull(of);
        return FirstDifference(of, quote, of.Book.Count, isSilent: false);
    }

    /// <summary>The first field that differs, of a result that was not computed from the case alone.</summary>
    /// <param name="of">The case.</param>
    /// <param name="quote">The result, with the names of the case.</param>
    /// <param name="count">Orders that used a promotion, live holds on it, and what it gave.</param>
    /// <param name="isSilent">Nothing is said of promotions without a code that gave nothing; those are not compared.</param>
    public static string? FirstDifference(
        OracleCase of,
        Quote quote,
        Func<Promotion, (long Redeemed, long Held, long Spent)> count,
        bool isSilent
    )
    {
        ArgumentNullException.ThrowIfNull(of);
        ArgumentNullException.ThrowIfNull(quote);
        ArgumentNullException.ThrowIfNull(count);
        foreach (var (field, expected, actual) in Fields(of, quote, count, isSilent))
        {
            if (expected != actual)
            {
                return $"{field}: expected {expected}, got {actual}";
            }
        }

        return null;
    }

    private static IEnumerable<(string Field, string Expected, string Actual)> Fields(
        OracleCase of,
        Quote quote,
        Func<Promotion, (long Redeemed, long Held, long Spent)> count,
        bool isSilent
    )
    {
        var expected = of.Expected;
        foreach (var (name, actual) in ByLine(quote))
        {
            for (var i = 0; i < of.Cart.Lines.Count && expected.Has(name); i++)
            {
                var id = of.Cart.Lines[i].Id;
                yield return ($"{name}.{id}", Shown(expected.Member(name).Minor(id) ?? 0), Shown(actual[i]));
            }
        }

        foreach (var (name, actual) in Sums(quote))
        {
            if (expected.Minor(name) is { } sum)
            {
                yield return (name, Shown(sum), Shown(actual));
            }
        }

        var applied = expected.Member("applied").List(a => $"{a.Text("promotion")} {a.Minor("amount")}");
        var given = quote.Applied.Select(a => $"{a.Promotion.Id} {a.AmountMinor}");
        yield return ("applied", Joined(applied), Joined(given));

        var refused = expected
            .Member("rejected")
            .List(r => r)
            .Where(r => !isSilent || r.Has("code"))
            .Select(r => $"{r.Text("promotion") ?? "-"} {r.Text("code") ?? "-"} {r.Text("reason")}")
            .Order(StringComparer.Ordinal);
        var rejected = quote
            .Rejected.Where(r => !isSilent || r.Code is not null)
            .Select(r => $"{r.Promotion?.Id ?? "-"} {r.Code ?? "-"} {r.Reason}")
            .Order(StringComparer.Ordinal);
        yield return ("rejected", Joined(refused), Joined(rejected));

        if (expected.Has("tax"))
        {
            var tax = expected.Member("tax");
            yield return ("tax.amount", Shown(tax.Minor("amount") ?? 0), Shown(quote.TaxMinor));
            yield return ("tax.totalWithTax", Shown(tax.Minor("totalWithTax") ?? 0), Shown(quote.TotalWithTaxMinor));
        }

        foreach (var promotion in of.Promotions)
        {
            var usage = expected.Member("usage").Member(promotion.Id);
            if (usage.ValueKind == JsonValueKind.Object)
            {
                var (redeemed, held, spent) = count(promotion);
                yield return ($"usage.{promotion.Id}.redeemed", Shown(usage.Minor("redeemed") ?? 0), Shown(redeemed));
                yield return ($"usage.{promotion.Id}.held", Shown(usage.Minor("held") ?? 0), Shown(held));
                if (usage.Minor("spent") is { } amount)
                {
                    yield return ($"usage.{promotion.Id}.spent", Shown(amount), Shown(spent));
                }
            }
        }
    }

    private static (string, IReadOnlyList<long>)[] ByLine(Quote quote) =>
        [("lineDiscounts", quote.LineDiscounts), ("orderDiscountShares", quote.OrderShares)];

    private static (string, long)[] Sums(Quote quote) =>
        [
            ("orderDiscount", quote.OrderDiscountMinor),
            ("shippingDiscount", quote.ShippingDiscountMinor),
            ("subtotal", quote.SubtotalMinor),
            ("total", quote.TotalMinor),
        ];

    private static string Shown(long amount) => amount.ToString(CultureInfo.InvariantCulture);

    private static string Joined(IEnumerable<string> items) => $"[{string.Join(", ", items)}]";
}
