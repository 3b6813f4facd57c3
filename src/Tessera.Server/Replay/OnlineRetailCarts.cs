using System.Globalization;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;
using Tessera.Server.Redemptions.Backtests;

namespace Tessera.Server.Replay;

/// <summary>
/// The sale orders of the online-retail data as carts, stored for back-tests. A line whose price has a tenth of a penny is
/// sold as one unit, and the order's last such line takes the rounding, so that each order comes to its published value.
/// </summary>
public static class OnlineRetailCarts
{
    /// <summary>Names the data among stored orders.</summary>
    public const string Source = "online-retail";

    private const int BatchSize = 1000;

    /// <summary>Stores the orders, unless they are there.</summary>
    /// <param name="database">Where.</param>
    /// <param name="directory">Of the data set.</param>
    /// <param name="cancel">Cancels; then nothing is stored.</param>
    /// <returns>How many were stored.</returns>
    public static async Task<int> StoreAsync(Database database, string directory, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        if (await PastOrders.HasAsync(work, Source, cancel))
        {
            return 0;
        }

        var orders = await ReadAsync(directory, cancel);
        foreach (var batch in orders.Chunk(BatchSize))
        {
            await PastOrders.InsertAsync(work, Source, batch, cancel);
        }

        await work.CommitAsync(cancel);
        return orders.Count;
    }

    private static async Task<List<PastOrder>> ReadAsync(string directory, CancellationToken cancel)
    {
        var sold = new Dictionary<string, Sold>(StringComparer.Ordinal);
        await foreach (
            var row in DataFile.ReadAsync(
                directory,
                "online_retail.csv",
                ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
                cancel
            )
        )
        {
            var quantity = int.Parse(row[2], CultureInfo.InvariantCulture);
            var price = decimal.Parse(row[4], NumberStyles.Float, CultureInfo.InvariantCulture);
            if (row[0][0] is 'C' or 'A' || quantity <= 0 || price <= 0)
            {
                continue;
            }

            if (!sold.TryGetValue(row[0], out var order))
            {
                sold[row[0]] = order = new Sold(row[0], row[5]);
            }

            var at = DateTime.Parse(row[3], CultureInfo.InvariantCulture);
            order.At = order.Lines.Count == 0 || at < order.At ? at : order.At;
            order.Lines.Add((row[1], quantity, price));
        }

        return
        [
            .. sold
                .Values.OrderBy(static o => o.At)
                .ThenBy(static o => o.Invoice, StringComparer.Ordinal)
                .Select(static (o, place) => o.ToOrder(place)),
        ];
    }

    private sealed class Sold(string invoice, string customer)
    {
        public string Invoice => invoice;

        public DateTime At { get; set; }

        public List<(string Sku, int Quantity, decimal Price)> Lines { get; } = [];

        public PastOrder ToOrder(int place)
        {
            var lines = new List<CartLine>(Lines.Count);
            var exact = Lines.Sum(static l => l.Quantity * l.Price);
            var left = decimal.ToInt64(decimal.Round(exact * 100, MidpointRounding.AwayFromZero));
            foreach (var (sku, quantity, price) in Lines)
            {
                var pence = price * 100;
                var id = (lines.Count + 1).ToString(CultureInfo.InvariantCulture);
                var line =
                    pence == decimal.Truncate(pence)
                        ? new CartLine(id, sku, decimal.ToInt64(pence), quantity)
                        : new CartLine(id, sku, decimal.ToInt64(decimal.Floor(pence * quantity)), 1);
                lines.Add(line);
                left -= line.AmountMinor;
            }

            if (left != 0)
            {
                var odd = lines.FindLastIndex(static l => l.Quantity == 1 && l.UnitPriceMinor > 0);
                lines[odd] = lines[odd] with { UnitPriceMinor = lines[odd].UnitPriceMinor + left };
            }

            // Ids count up with the time of the orders, so that they decide among those of one minute.
            Span<byte> id16 = stackalloc byte[16];
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(id16[12..], place + 1);
            var at = new DateTimeOffset(At, OnlineRetailReplay.Zone.GetUtcOffset(At)).ToUniversalTime();
            return new PastOrder(
                new Guid(id16, bigEndian: true),
                invoice,
                at,
                new Cart("GBP", lines) { Customer = customer.Length > 0 ? new Shopper(customer) : null },
                new Dictionary<string, long>()
            );
        }
    }
}
