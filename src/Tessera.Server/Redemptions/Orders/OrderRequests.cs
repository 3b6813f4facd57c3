using Tessera.Core;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>What callers send about carts, read into commands. Amounts are minor units of the cart's currency.</summary>
internal static class OrderRequests
{
    private const int MaxNames = 200;

    private static readonly string[] Modes = ["all_or_nothing", "best_effort"];

    /// <summary>The body of a reservation or redemption of a cart.</summary>
    /// <returns>Null when something is wrong; the fields know what.</returns>
    public static OrderCommand? Read(Fields body, Operation operation, Asker asker)
    {
        ArgumentNullException.ThrowIfNull(body);
        var reference = body.Text("reference", 100);
        var holder = body.Id("customer_id", required: false);
        var isRedemption = operation == Operation.Redeem;
        var reservation = isRedemption ? body.Id("reservation_id", required: false) : null;
        var replace = isRedemption && (body.Flag("replace", required: false) ?? false);
        var hold = isRedemption
            ? null
            : body.Integer("hold_seconds", 1, AttemptCommand.MaximumHoldSeconds, required: false);
        var mode = body.Word("mode", Modes, required: false);
        var explain = body.Flag("explain", required: false) ?? false;
        var fallback = body.Flag("accept_fallback", required: false) ?? false;
        var cart = Cart(body, holder, out var saysOrders);
        return reference is null || cart is null || body.Errors.Count > 0
            ? null
            : new OrderCommand(
                operation,
                asker,
                cart,
                holder,
                reference,
                mode == "best_effort" ? OrderMode.BestEffort : OrderMode.AllOrNothing,
                reservation is { } held ? [held] : [],
                (int?)hold ?? AttemptCommand.DefaultHoldSeconds,
                replace,
                fallback,
                PricingRules.Default with
                {
                    ReportAutomatic = explain,
                },
                Guid.CreateVersion7()
            )
            {
                SaysOrders = saysOrders,
            };
    }

    /// <summary>A cart; what is wrong with it is in the fields afterwards.</summary>
    private static Cart? Cart(Fields body, Guid? holder, out bool saysOrders)
    {
        var currency = body.Text("currency", 3);
        if (currency is not null && !Currencies.IsKnown(currency))
        {
            body.Add("currency", "unknown_currency", "This has to be an ISO 4217 currency code.");
        }

        var lines = body.List(
            "lines",
            CartCheck.MaxLines,
            static (item, at) => item.Object(at) is { } l ? Line(l) : null
        );
        var shipping = body.List(
            "shipping",
            CartCheck.MaxLines,
            static (item, at) => item.Object(at) is { } s ? Delivery(s) : null,
            required: false
        );
        var codes = body.List(
            "codes",
            CartCheck.MaxCodes,
            static (item, at) => item.Text(at, RedemptionRequests.MaximumCodeLength * 2),
            required: false
        );
        var channel = body.Text("channel", 40, required: false);
        var store = body.Text("store", 100, required: false);
        var includesTax = body.Flag("prices_include_tax", required: false) ?? false;
        var customer = Customer(body, holder, out saysOrders);
        if (currency is null || lines is null || body.Errors.Count > 0)
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
        body.Add(
            CartCheck
                .Of(cart)
                .Select(static e =>
                    e with
                    {
                        Field = e
                            .Field.Replace("[", ".", StringComparison.Ordinal)
                            .Replace("]", "", StringComparison.Ordinal),
                    }
                )
        );
        return cart;
    }

    /// <summary>What the shop knows of the customer beyond the directory.</summary>
    private static Shopper? Customer(Fields body, Guid? holder, out bool saysOrders)
    {
        var known = body.Object("customer", required: false);
        var email = known?.Text("email", 320, required: false);
        var groups = known is null ? null : Names(known, "groups");
        var orders = known?.Integer("completed_orders", 0, int.MaxValue, required: false);
        saysOrders = orders is not null;
        var region = known?.Text("region", 100, required: false);
        return holder is null
            ? null
            : new Shopper(holder.Value.ToString())
            {
                Email = email,
                Groups = groups ?? [],
                CompletedOrders = (int)(orders ?? 0),
                Region = region,
            };
    }

    private static CartLine? Line(Fields line)
    {
        var id = line.Text("id", 100);
        var sku = line.Text("sku", 100);
        var price = line.Integer("unit_price", 0, Fields.MaximumInteger);
        var quantity = line.Integer("quantity", 1, int.MaxValue);
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

    private static Shipping? Delivery(Fields delivery)
    {
        var id = delivery.Text("id", 100);
        var method = delivery.Text("method", 100);
        var amount = delivery.Integer("amount", 0, Fields.MaximumInteger);
        var tax = delivery.Decimal("tax_rate", required: false);
        return id is null || method is null || amount is null ? null : new Shipping(id, method, amount.Value, tax);
    }

    private static IReadOnlyList<string>? Names(Fields fields, string name) =>
        fields.List(name, MaxNames, static (item, at) => item.Text(at, 100), required: false);
}
