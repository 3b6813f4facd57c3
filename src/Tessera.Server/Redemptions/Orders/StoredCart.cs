using System.Text.Json;
using System.Text.Json.Serialization;
using Tessera.Core.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>
/// A cart as it is kept with its order: what it was priced by, so that a return finds its lines and a back-test can price
/// it with other promotions. Codes are not kept: they are secrets, and the uses say which promotions there were.
/// </summary>
internal sealed record StoredCart(
    IReadOnlyList<StoredCart.Line> Lines,
    IReadOnlyList<StoredCart.Delivery>? Shipping,
    StoredCart.Buyer? Customer,
    string? Store,
    bool PricesIncludeTax
)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    };

    /// <summary>One line; amounts in minor units.</summary>
    internal sealed record Line(string Id, string Sku, long UnitPrice, int Quantity)
    {
        public IReadOnlyList<string>? Categories { get; init; }

        public bool NotDiscountable { get; init; }

        public bool OnSale { get; init; }

        public long MinimumUnitPrice { get; init; }

        public decimal? TaxRate { get; init; }

        public string? Service { get; init; }

        public string? SessionType { get; init; }

        public string? Consultant { get; init; }
    }

    /// <summary>One delivery.</summary>
    internal sealed record Delivery(string Id, string Method, long Amount, decimal? TaxRate);

    /// <summary>What was known of the customer; never an address.</summary>
    internal sealed record Buyer(string Id, IReadOnlyList<string>? Groups, int CompletedOrders, string? Region)
    {
        public IReadOnlyList<string>? Segments { get; init; }

        public IReadOnlyDictionary<string, decimal>? Attributes { get; init; }
    }

    /// <summary>As it is stored.</summary>
    public static byte[] ToJson(Cart cart)
    {
        ArgumentNullException.ThrowIfNull(cart);
        var stored = new StoredCart(
            [
                .. cart.Lines.Select(l => new Line(l.Id, l.Sku, l.UnitPriceMinor, l.Quantity)
                {
                    Categories = l.Categories.Count == 0 ? null : l.Categories,
                    NotDiscountable = !l.Discountable,
                    OnSale = l.OnSale,
                    MinimumUnitPrice = l.MinimumUnitPriceMinor,
                    TaxRate = l.TaxPercent,
                    Service = l.Service,
                    SessionType = l.SessionType,
                    Consultant = l.Consultant,
                }),
            ],
            cart.Shipping.Count == 0
                ? null
                : [.. cart.Shipping.Select(s => new Delivery(s.Id, s.Method, s.AmountMinor, s.TaxPercent))],
            cart.Customer is { } customer
                ? new Buyer(
                    customer.Id,
                    customer.Groups.Count == 0 ? null : customer.Groups,
                    customer.CompletedOrders,
                    customer.Region
                )
                {
                    Segments = customer.Segments.Count == 0 ? null : customer.Segments,
                    Attributes = customer.Attributes.Count == 0 ? null : customer.Attributes,
                }
                : null,
            cart.Store,
            cart.PricesIncludeTax
        );
        return JsonSerializer.SerializeToUtf8Bytes(stored, Json);
    }

    /// <summary>The cart of an order, without its codes.</summary>
    /// <exception cref="JsonException">It is not what this release writes.</exception>
    public static Cart Read(string json, string currency, string? channel)
    {
        var stored =
            JsonSerializer.Deserialize<StoredCart>(json, Json) ?? throw new JsonException("A cart is an object.");
        return new Cart(
            currency,
            [
                .. stored.Lines.Select(l => new CartLine(l.Id, l.Sku, l.UnitPrice, l.Quantity)
                {
                    Categories = l.Categories ?? [],
                    Discountable = !l.NotDiscountable,
                    OnSale = l.OnSale,
                    MinimumUnitPriceMinor = l.MinimumUnitPrice,
                    TaxPercent = l.TaxRate,
                    Service = l.Service,
                    SessionType = l.SessionType,
                    Consultant = l.Consultant,
                }),
            ]
        )
        {
            Shipping = [.. (stored.Shipping ?? []).Select(s => new Shipping(s.Id, s.Method, s.Amount, s.TaxRate))],
            Channel = channel,
            Store = stored.Store,
            PricesIncludeTax = stored.PricesIncludeTax,
            Customer = stored.Customer is { } buyer
                ? new Shopper(buyer.Id)
                {
                    Groups = buyer.Groups ?? [],
                    Segments = buyer.Segments ?? [],
                    Attributes = buyer.Attributes ?? new Dictionary<string, decimal>(StringComparer.Ordinal),
                    CompletedOrders = buyer.CompletedOrders,
                    Region = buyer.Region,
                }
                : null,
        };
    }
}
