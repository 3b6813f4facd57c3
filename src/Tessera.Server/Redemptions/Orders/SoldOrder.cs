using System.Text.Json;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>One line or delivery given back.</summary>
/// <param name="Id">Of the line or delivery.</param>
/// <param name="IsDelivery">Which of both.</param>
/// <param name="Quantity">Units.</param>
/// <param name="PaidMinor">To the customer.</param>
/// <param name="Shares">To the promotions.</param>
internal sealed record ReturnedPart(
    string Id,
    bool IsDelivery,
    int Quantity,
    long PaidMinor,
    IReadOnlyList<ReturnedUse> Shares
);

/// <summary>What comes back to one use of a promotion.</summary>
internal sealed record ReturnedUse(Guid Use, long Amount);

/// <summary>A return.</summary>
/// <param name="Parts">By line and delivery.</param>
/// <param name="LeavesNothing">Whether the whole order has come back with it.</param>
internal sealed record ReturnedOrder(IReadOnlyList<ReturnedPart> Parts, bool LeavesNothing)
{
    /// <summary>To the customer.</summary>
    public long PaidMinor => Parts.Sum(static p => p.PaidMinor);

    /// <summary>To all promotions.</summary>
    public long DiscountMinor => Parts.Sum(static p => p.Shares.Sum(static s => s.Amount));

    /// <summary>To one use.</summary>
    public long Of(Guid use) => Parts.Sum(p => p.Shares.Where(s => s.Use == use).Sum(static s => s.Amount));
}

/// <summary>An order with all that has come back of it.</summary>
internal sealed class SoldOrder
{
    private readonly List<Part> _parts;

    private SoldOrder(List<Part> parts) => _parts = parts;

    /// <summary>Reads earlier returns; the order is locked.</summary>
    public static async Task<SoldOrder> ReadAsync(
        NpgsqlConnection connection,
        StoredOrder order,
        IReadOnlyList<StoredUse> uses,
        CancellationToken cancel
    )
    {
        var earlier = new List<ReturnedPart>();
        await using (
            var query = OrderStore.Command(
                connection,
                "select detail::text from redemptions.order_return where order_id = $1 order by at, id",
                order.Id
            )
        )
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                earlier.AddRange(JsonSerializer.Deserialize<List<ReturnedPart>>(row.GetString(0), Wire.Json)!);
            }
        }

        return Of(CartJson.Restore(order.Cart, order.Currency, order.Channel), uses, earlier);
    }

    /// <summary>Puts an order together.</summary>
    public static SoldOrder Of(Cart cart, IReadOnlyList<StoredUse> uses, IReadOnlyList<ReturnedPart> earlier)
    {
        var parts = cart
            .Lines.Select(l => (l.Id, IsDelivery: false, l.Quantity, l.AmountMinor))
            .Concat(cart.Shipping.Select(s => (s.Id, IsDelivery: true, Quantity: 1, s.AmountMinor)));
        return new SoldOrder([
            .. parts.Select(p =>
            {
                var back = earlier.Where(e => e.Id == p.Id && e.IsDelivery == p.IsDelivery).ToList();
                var shares = uses.Select(u => new SoldShare(
                        u.Id,
                        GivenOn(u, p.Id, p.IsDelivery),
                        back.Sum(e => e.Shares.Where(s => s.Use == u.Id).Sum(static s => s.Amount))
                    ))
                    .Where(static s => s.DiscountMinor > 0)
                    .ToList();
                return new Part(
                    p.Id,
                    p.IsDelivery,
                    new SoldLine(p.Quantity, p.AmountMinor, back.Sum(static e => e.Quantity), shares)
                );
            }),
        ]);
    }

    /// <summary>What is wrong with the lines of a return.</summary>
    public Refusal? WhyNot(ReturnCommand command)
    {
        var errors = new List<FieldError>();
        for (var i = 0; i < (command.Lines?.Count ?? 0); i++)
        {
            var (id, quantity) = command.Lines![i];
            var line = Find(id, isDelivery: false);
            var before = command.Lines.Take(i).Any(l => l.Line == id);
            if (line is null || before)
            {
                errors.Add(Error($"lines.{i}.id", line is null ? "unknown_line" : "duplicate"));
            }
            else if (quantity > line.Left)
            {
                errors.Add(Error($"lines.{i}.quantity", "more_than_left"));
            }
        }

        for (var i = 0; i < (command.Shipping?.Count ?? 0); i++)
        {
            var delivery = Find(command.Shipping![i], isDelivery: true);
            if (delivery is null || delivery.Left == 0 || command.Shipping.Take(i).Contains(command.Shipping[i]))
            {
                errors.Add(Error($"shipping.{i}", delivery is null ? "unknown_line" : "more_than_left"));
            }
        }

        return errors.Count == 0 ? null : Problems.Invalid(errors);
    }

    /// <summary>What comes back.</summary>
    public ReturnedOrder Return(ReturnCommand command)
    {
        var isAll = command.Lines is null && command.Shipping is null;
        var back = new List<ReturnedPart>();
        foreach (var part in _parts)
        {
            var units =
                isAll ? part.Left
                : part.IsDelivery ? (command.Shipping?.Contains(part.Id) ?? false ? 1 : 0)
                : command.Lines?.FirstOrDefault(l => l.Line == part.Id).Quantity ?? 0;
            if (units > 0)
            {
                var share = ReturnShares.Of(part.Sold, units);
                var uses = part.Sold.Shares.Select((s, i) => new ReturnedUse(s.Use, share.Shares[i]));
                back.Add(new ReturnedPart(part.Id, part.IsDelivery, units, share.PaidMinor, [.. uses]));
            }
        }

        var left = _parts.Sum(static p => p.Left) - back.Sum(static b => b.Quantity);
        return new ReturnedOrder(back, left == 0);
    }

    private static long GivenOn(StoredUse use, string id, bool isDelivery)
    {
        long given = 0;
        for (var i = 0; i < use.Amounts.Length; i++)
        {
            given += use.TargetIds[i] == id && use.Targets[i] == "shipping" == isDelivery ? use.Amounts[i] : 0;
        }

        return given;
    }

    private Part? Find(string id, bool isDelivery) => _parts.Find(p => p.Id == id && p.IsDelivery == isDelivery);

    private static FieldError Error(string field, string code) =>
        new(
            field,
            "#/" + field.Replace('.', '/'),
            code,
            code switch
            {
                "unknown_line" => "The order has no such line.",
                "duplicate" => "This line is named twice.",
                _ => "Fewer units of this are left.",
            }
        );

    private sealed record Part(string Id, bool IsDelivery, SoldLine Sold)
    {
        public int Left => Sold.Quantity - Sold.Returned;
    }
}
