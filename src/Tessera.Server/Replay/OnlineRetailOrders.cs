using System.Globalization;

namespace Tessera.Server.Replay;

/// <summary>A sale order of the online-retail data.</summary>
/// <param name="Invoice">Its number.</param>
/// <param name="Customer">Empty when not known.</param>
/// <param name="Country">As written.</param>
/// <param name="At">Local time of its first line.</param>
/// <param name="Value">Exact sum of quantity and unit price.</param>
internal sealed record SaleOrder(string Invoice, string Customer, string Country, DateTime At, decimal Value)
{
    /// <summary>In pence, half up: four orders have a tenth of a penny.</summary>
    public long Minor => decimal.ToInt64(decimal.Round(Value * 100, MidpointRounding.AwayFromZero));
}

/// <summary>The orders of the data, and the facts that need nothing but its lines.</summary>
internal sealed class OnlineRetailOrders
{
    private const string FreeItem = "85123A";

    private readonly Dictionary<string, SaleOrder> _orders = new(StringComparer.Ordinal);

    /// <summary>By time, then by number as text.</summary>
    public IReadOnlyList<SaleOrder> InOrder { get; private set; } = [];

    public static async Task<OnlineRetailOrders> ReadAsync(string directory, Figures figures, CancellationToken cancel)
    {
        var made = new OnlineRetailOrders();
        var totals = new Totals();
        await foreach (
            var row in DataFile.ReadAsync(
                directory,
                "online_retail.csv",
                ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"],
                cancel
            )
        )
        {
            var quantity = long.Parse(row[2], CultureInfo.InvariantCulture);
            var price = decimal.Parse(row[4], NumberStyles.Float, CultureInfo.InvariantCulture);
            totals.Count(row[0], row[1], quantity, price);
            if (row[0][0] is not ('C' or 'A') && quantity > 0 && price > 0)
            {
                made.Add(row, quantity * price);
            }
        }

        made.InOrder =
        [
            .. made._orders.Values.OrderBy(static o => o.At).ThenBy(static o => o.Invoice, StringComparer.Ordinal),
        ];
        made.AddFigures(figures, totals);
        return made;
    }

    private void Add(string[] row, decimal value)
    {
        var at = DateTime.Parse(row[3], CultureInfo.InvariantCulture);
        _orders[row[0]] = _orders.TryGetValue(row[0], out var order)
            ? order with
            {
                At = at < order.At ? at : order.At,
                Value = order.Value + value,
            }
            : new SaleOrder(row[0], row[5], row[6], at, value);
    }

    private void AddFigures(Figures figures, Totals totals)
    {
        figures.Add("OR-01", "lines", 541_909, totals.Lines);
        figures.Add("OR-01", "net value of all lines", "9747747.93", Money(totals.Net));
        figures.Add("OR-01", "sale orders", 19_959, InOrder.Count);
        figures.Add("OR-01", "gross value of sale orders", "10655622.48", Money(InOrder.Sum(static o => o.Value)));
        var known = InOrder.Where(static o => o.Customer.Length > 0).ToList();
        figures.Add("OR-01", "sale orders of known customers", 18_532, known.Count);
        figures.Add("OR-01", "known customers", 4338, known.DistinctBy(static o => o.Customer).Count());

        var countries = InOrder
            .GroupBy(static o => o.Country)
            .Select(static g => (Name: g.Key, Orders: g.Count(), Value: g.Sum(static o => o.Value)))
            .OrderByDescending(static c => c.Value)
            .ToList();
        string?[] published =
        [
            "United Kingdom: 18018, 9014160.02",
            null,
            "EIRE: 288, 283453.96",
            null,
            "France: 392, 209715.11",
        ];
        for (var rank = 0; rank < published.Length; rank++)
        {
            var country = countries[rank];
            figures.Add(
                "OR-02",
                $"country on rank {rank + 1}: orders, value",
                published[rank],
                $"{country.Name}: {country.Orders}, {Money(country.Value)}"
            );
        }

        figures.Add("OR-02", "country names", 38, countries.Count);
        figures.Add("OR-04", "credit note lines", 9288, totals.CreditLines);
        figures.Add("OR-04", "credit notes", 3836, totals.CreditNotes.Count);
        figures.Add("OR-04", "credit notes, net", "-896812.49", Money(totals.Credit));
        figures.Add("OR-06", "discount lines", 77, totals.DiscountLines);
        figures.Add("OR-06", "credit notes with discounts", 65, totals.DiscountNotes.Count);
        figures.Add("OR-06", "discounts, net", "-5696.22", Money(totals.Discount));
        figures.Add("OR-14", "lines of " + FreeItem, 2265, totals.FreeItemLines);
        figures.Add("OR-14", "units of " + FreeItem, 37_660, totals.FreeItemUnits);
        figures.Add("OR-14", "every seventh unit of a line: units", 4153, totals.FreeUnits);
        figures.Add("OR-14", "every seventh unit of a line: value", "11240.90", Money(totals.FreeValue));
    }

    public static string Money(decimal amount) =>
        decimal.Round(amount, 2, MidpointRounding.AwayFromZero).ToString("0.00", CultureInfo.InvariantCulture);

    private sealed class Totals
    {
        public long Lines { get; private set; }

        public decimal Net { get; private set; }

        public long CreditLines { get; private set; }

        public HashSet<string> CreditNotes { get; } = new(StringComparer.Ordinal);

        public decimal Credit { get; private set; }

        public long DiscountLines { get; private set; }

        public HashSet<string> DiscountNotes { get; } = new(StringComparer.Ordinal);

        public decimal Discount { get; private set; }

        public long FreeItemLines { get; private set; }

        public long FreeItemUnits { get; private set; }

        public long FreeUnits { get; private set; }

        public decimal FreeValue { get; private set; }

        public void Count(string invoice, string stock, long quantity, decimal price)
        {
            Lines++;
            Net += quantity * price;
            if (invoice[0] == 'C')
            {
                CreditLines++;
                CreditNotes.Add(invoice);
                Credit += quantity * price;
            }

            if (stock == "D")
            {
                DiscountLines++;
                DiscountNotes.Add(invoice);
                Discount += quantity * price;
            }

            if (stock == FreeItem && invoice[0] is not ('C' or 'A') && quantity > 0 && price > 0)
            {
                FreeItemLines++;
                FreeItemUnits += quantity;
                FreeUnits += quantity / 7;
                FreeValue += quantity / 7 * price;
            }
        }
    }
}
