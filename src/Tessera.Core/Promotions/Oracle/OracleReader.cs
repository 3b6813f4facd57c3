using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>Reads case files.</summary>
public static class OracleReader
{
    /// <summary>The cases of a file: an object with <c>cases</c>, or a bare list.</summary>
    public static IEnumerable<JsonElement> Cases(JsonElement file) =>
        (file.ValueKind == JsonValueKind.Array ? file : file.GetProperty("cases")).EnumerateArray();

    /// <summary>Reads one case.</summary>
    /// <exception cref="FormatException">The case says something this schema does not know.</exception>
    public static OracleCase Read(JsonElement json)
    {
        var settings = json.Member("settings");
        var cart = Cart(json.GetProperty("cart"));
        var promotions = json.GetProperty("promotions").List(PromotionReader.Read).OrderBy(p => p.Priority).ToList();
        return new OracleCase(
            json.Text("id")!,
            json.Text("title") ?? "",
            json.Member("features").Texts() ?? [],
            cart,
            promotions,
            Rules(settings),
            json.GetProperty("now").GetDateTimeOffset(),
            OracleHistory.Read(json),
            json.GetProperty("expected")
        );
    }

    private static PricingRules Rules(JsonElement json) =>
        new()
        {
            PercentBase = json.Text("percentBase") switch
            {
                null or "running" => PercentBase.Running,
                "original" => PercentBase.Original,
                var other => throw Unknown("percentBase", other),
            },
            Selection = json.Text("selection") switch
            {
                null or "all" => Selection.All,
                "bestPerLine" => Selection.BestPerLine,
                "bestForOrder" => Selection.BestForOrder,
                var other => throw Unknown("selection", other),
            },
            MaxCodes = json.Number("maxCodes"),
            LastCodesWin = json.Text("codeOverflow") switch
            {
                null or "rejectNew" => false,
                "replaceOld" => true,
                var other => throw Unknown("codeOverflow", other),
            },
            AllCodesOrNone = json.Text("codeFailure") switch
            {
                null or "skip" => false,
                "rejectAll" => true,
                var other => throw Unknown("codeFailure", other),
            },
        };

    private static Cart Cart(JsonElement json)
    {
        var customer = json.Member("customer");
        return new Cart(json.Text("currency")!, [.. json.GetProperty("lines").List(Line)])
        {
            Shipping =
            [
                .. json.Member("shipping")
                    .List(s => new Shipping(
                        s.Text("id")!,
                        s.Text("method")!,
                        s.Minor("amount")!.Value,
                        s.Exact("taxRate")
                    )),
            ],
            Codes = json.Member("codes").Texts() ?? [],
            Channel = json.Text("channel"),
            PricesIncludeTax = json.Flag("pricesIncludeTax"),
            Customer =
                customer.ValueKind != JsonValueKind.Object
                    ? null
                    : new Shopper(customer.Text("id") ?? "")
                    {
                        Email = customer.Text("email"),
                        Groups = customer.Member("groups").Texts() ?? [],
                        CompletedOrders = customer.Member("orders").Number("completed") ?? 0,
                    },
        };
    }

    private static CartLine Line(JsonElement json) =>
        new(json.Text("id")!, json.Text("sku")!, json.Minor("unitPrice")!.Value, json.Number("quantity")!.Value)
        {
            Categories = json.Member("categories").Texts() ?? [],
            Discountable = json.Member("discountable").ValueKind != JsonValueKind.False,
            OnSale = json.Flag("onSale"),
            MinimumUnitPriceMinor = json.Minor("minimumUnitPrice") ?? 0,
            TaxPercent = json.Exact("taxRate"),
        };

    internal static FormatException Unknown(string field, string? value) =>
        new($"{field} has the unknown value {value ?? "null"}.");
}
