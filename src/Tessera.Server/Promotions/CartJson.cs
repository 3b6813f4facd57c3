using System.Text.Json;
using System.Text.Json.Serialization;
using Tessera.Core;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>Carts on the wire. Reading is strict, and tells of everything that is wrong at once.</summary>
internal static class CartJson
{
    private const int MaxNames = 200;
    private const int MaxCodeLength = 128;

    private static readonly JsonSerializerOptions Stored = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    };

    /// <summary>Reads a cart from the members of an object; what is wrong is in the fields afterwards.</summary>
    /// <param name="body">The object; its other members are the caller's.</param>
    /// <returns>Null when it cannot be priced.</returns>
    public static Cart? Read(Fields body)
    {
        ArgumentNullException.ThrowIfNull(body);
        var before = body.Errors.Count;
        var currency = body.Text("currency", 3);
        if (currency is not null && !Currencies.IsKnown(currency))
        {
            body.Add("currency", "unknown_currency", "This has to be an ISO 4217 currency code.");
        }

        var lines = body.List(
            "lines",
            CartCheck.MaxLines,
            (item, at) => item.Object(at) is { } l ? Line(l, currency) : null
        );
        var shipping = body.List(
            "shipping",
            CartCheck.MaxLines,
            (item, at) => item.Object(at) is { } s ? Delivery(s, currency) : null,
            required: false
        );
        var codes = body.List(
            "codes",
            CartCheck.MaxCodes,
            static (item, at) => item.Text(at, MaxCodeLength),
            required: false
        );
        var channel = body.Text("channel", 40, required: false);
        var store = body.Text("store", 100, required: false);
        var includesTax = body.Flag("prices_include_tax", required: false) ?? false;
        var customer = Customer(body);
        if (currency is null || lines is null || body.Errors.Count > before)
        {
            return null;
        }

        var cart = new Cart(currency, lines)
        {
            Shipping = shipping ?? [],
            Codes = codes ?? [],
            Channel = channel,
            Store = store,
            PricesIncludeTax = includesTax,
            Customer = customer,
        };
        body.Add(CartCheck.Of(cart).Select(static e => e with { Field = PathOf(e.Field) }));
        return body.Errors.Count > before ? null : cart;
    }

    /// <summary>The cart as it is kept with a receipt: without what names a person.</summary>
    public static KeptCart Keep(Cart cart)
    {
        ArgumentNullException.ThrowIfNull(cart);
        return new KeptCart(cart.Currency, [.. cart.Lines.Select(Line)])
        {
            Shipping = cart.Shipping.Count == 0 ? null : [.. cart.Shipping.Select(Delivery)],
            Codes = cart.Codes.Count == 0 ? null : cart.Codes,
            Channel = cart.Channel,
            Store = cart.Store,
            PricesIncludeTax = cart.PricesIncludeTax ? true : null,
            Customer = cart.Customer is { } c
                ? new KeptCustomer(
                    c.Id,
                    c.Groups.Count == 0 ? null : c.Groups,
                    c.CompletedOrders,
                    c.Region,
                    c.Attributes.Count == 0 ? null : c.Attributes,
                    c.Segments.Count == 0 ? null : c.Segments
                )
                : null,
        };
    }

    /// <summary>The cart that was kept.</summary>
    public static Cart Kept(KeptCart kept)
    {
        ArgumentNullException.ThrowIfNull(kept);
        return new Cart(kept.Currency, [.. kept.Lines.Select(Line)])
        {
            Shipping = [.. (kept.Shipping ?? []).Select(static s => new Shipping(s.Id, s.Method, s.Amount, s.TaxRate))],
            Codes = kept.Codes ?? [],
            Channel = kept.Channel,
            Store = kept.Store,
            PricesIncludeTax = kept.PricesIncludeTax ?? false,
            Customer = kept.Customer is { } c
                ? new Shopper(c.Id)
                {
                    Groups = c.Groups ?? [],
                    Segments = c.Segments ?? [],
                    CompletedOrders = c.CompletedOrders,
                    Region = c.Region,
                    Attributes = c.Attributes ?? new Dictionary<string, decimal>(StringComparer.Ordinal),
                }
                : null,
        };
    }

    /// <summary>
    /// The cart as it is stored with its order, so that a return finds its lines and a back-test can price it with other
    /// promotions. Codes are not kept: they are secrets, and the uses say which promotions there were.
    /// </summary>
    public static byte[] Store(Cart cart) =>
        JsonSerializer.SerializeToUtf8Bytes(Keep(cart) with { Codes = null, Channel = null }, Stored);

    /// <summary>The cart of an order, without its codes.</summary>
    /// <exception cref="JsonException">It is not what this release writes.</exception>
    public static Cart Restore(string json, string currency, string? channel)
    {
        var kept =
            JsonSerializer.Deserialize<KeptCart>(json, Stored) ?? throw new JsonException("A cart is an object.");
        return Kept(kept with { Currency = currency, Channel = channel });
    }

    /// <summary>What the caller knows of the customer; the id is asked for apart.</summary>
    private static Shopper? Customer(Fields body)
    {
        var id = body.Id("customer_id", required: false);
        var known = body.Object("customer", required: false);
        var email = known?.Text("email", 320, required: false);
        var groups = known is null ? null : Names(known, "groups");
        var orders = known?.Integer("completed_orders", 0, int.MaxValue, required: false);
        var region = known?.Text("region", 100, required: false);
        return id is null && known is null
            ? null
            : new Shopper(id?.ToString() ?? "")
            {
                Email = email,
                Groups = groups ?? [],
                CompletedOrders = (int)(orders ?? 0),
                Region = region,
            };
    }

    private static CartLine? Line(Fields line, string? currency)
    {
        var id = line.Text("id", 100);
        var sku = line.Text("sku", 100);
        var price = line.Integer("unit_price", 0, Fields.MaximumInteger);
        var quantity = line.Integer("quantity", 1, int.MaxValue);
        SameCurrency(line, currency);
        var categories = Names(line, "categories");
        var discountable = line.Flag("discountable", required: false) ?? true;
        var onSale = line.Flag("on_sale", required: false) ?? false;
        var minimum = line.Integer("minimum_unit_price", 0, Fields.MaximumInteger, required: false);
        var tax = line.Decimal("tax_rate", required: false);
        var service = line.Text("service", 64, required: false);
        var session = line.Text("session_type", 64, required: false);
        var consultant = line.Text("consultant", 64, required: false);
        return id is null || sku is null || price is null || quantity is null
            ? null
            : new CartLine(id, sku, price.Value, (int)quantity.Value)
            {
                Categories = categories ?? [],
                Discountable = discountable,
                OnSale = onSale,
                MinimumUnitPriceMinor = minimum ?? 0,
                TaxPercent = tax,
                Service = service,
                SessionType = session,
                Consultant = consultant,
            };
    }

    private static Shipping? Delivery(Fields delivery, string? currency)
    {
        var id = delivery.Text("id", 100);
        var method = delivery.Text("method", 100);
        var amount = delivery.Integer("amount", 0, Fields.MaximumInteger);
        SameCurrency(delivery, currency);
        var tax = delivery.Decimal("tax_rate", required: false);
        return id is null || method is null || amount is null ? null : new Shipping(id, method, amount.Value, tax);
    }

    private static void SameCurrency(Fields part, string? currency)
    {
        var own = part.Text("currency", 3, required: false);
        if (own is not null && currency is not null && own != currency)
        {
            part.Add("currency", "mixed_currencies", "A cart is in one currency: that of the cart.");
        }
    }

    private static IReadOnlyList<string>? Names(Fields fields, string name) =>
        fields.List(name, MaxNames, static (item, at) => item.Text(at, 100), required: false);

    private static string PathOf(string field) =>
        field.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);

    private static KeptLine Line(CartLine line) =>
        new(line.Id, line.Sku, line.UnitPriceMinor, line.Quantity)
        {
            Categories = line.Categories.Count == 0 ? null : line.Categories,
            Discountable = line.Discountable ? null : false,
            OnSale = line.OnSale ? true : null,
            MinimumUnitPrice = line.MinimumUnitPriceMinor == 0 ? null : line.MinimumUnitPriceMinor,
            TaxRate = line.TaxPercent,
            Service = line.Service,
            SessionType = line.SessionType,
            Consultant = line.Consultant,
        };

    private static CartLine Line(KeptLine line) =>
        new(line.Id, line.Sku, line.UnitPrice, line.Quantity)
        {
            Categories = line.Categories ?? [],
            Discountable = line.Discountable ?? true,
            OnSale = line.OnSale ?? false,
            MinimumUnitPriceMinor = line.MinimumUnitPrice ?? 0,
            TaxPercent = line.TaxRate,
            Service = line.Service,
            SessionType = line.SessionType,
            Consultant = line.Consultant,
        };

    private static KeptDelivery Delivery(Shipping delivery) =>
        new(delivery.Id, delivery.Method, delivery.AmountMinor, delivery.TaxPercent);
}
