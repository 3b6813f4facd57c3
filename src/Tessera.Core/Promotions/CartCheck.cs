namespace Tessera.Core.Promotions;

/// <summary>Whether a cart can be priced at all: bounds that keep every sum exact and every pricing short.</summary>
public static class CartCheck
{
    /// <summary>Lines and deliveries a cart may have.</summary>
    public const int MaxLines = 1_000;

    /// <summary>Codes a request may carry (RUL-05).</summary>
    public const int MaxCodes = 30;

    /// <summary>Units a cart may have, all lines together.</summary>
    public const int MaxUnits = 1_000_000;

    /// <summary>The most a cart may cost before discounts, in minor units.</summary>
    public const long MaxAmountMinor = 1_000_000_000_000_000;

    private const string OutOfRange = "out_of_range";

    /// <summary>Every fault of a cart, by field; empty when it can be priced.</summary>
    public static IReadOnlyList<FieldError> Of(Cart cart)
    {
        ArgumentNullException.ThrowIfNull(cart);
        var errors = new List<FieldError>();
        if (cart.Lines.Count == 0)
        {
            Add(errors, "lines", "required", "A cart has at least one line.");
        }

        if (cart.Lines.Count + cart.Shipping.Count > MaxLines)
        {
            Add(errors, "lines", "too_many", $"A cart has at most {MaxLines:maximum} lines and deliveries.");
            return errors;
        }

        if (cart.Codes.Count > MaxCodes)
        {
            Add(errors, "codes", "too_many_codes", $"A cart takes at most {MaxCodes:maximum} codes.");
        }

        if (cart.Currency.Length != 3 || !cart.Currency.All(char.IsAsciiLetterUpper))
        {
            Add(errors, "currency", "invalid_currency", "A currency is three upper-case letters.");
        }

        Lines(cart, errors);
        Deliveries(cart, errors);
        return errors;
    }

    private static void Lines(Cart cart, List<FieldError> errors)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        Int128 amount = cart.Shipping.Aggregate(Int128.Zero, (sum, delivery) => sum + delivery.AmountMinor);
        long units = 0;
        for (var i = 0; i < cart.Lines.Count; i++)
        {
            var line = cart.Lines[i];
            void Fault(string member, string code, Sentence message) =>
                Add(errors, $"lines[{i}].{member}", code, message);

            // Carts are checked for each quote: a sentence is put together only where it is said.
            if (!ids.Add(line.Id))
            {
                Fault("id", "duplicate", "Line ids are unique.");
            }

            if (line.Quantity < 1)
            {
                Fault("quantity", OutOfRange, "A line has at least one unit.");
            }

            if (line.UnitPriceMinor < 0)
            {
                Fault("unit_price", OutOfRange, $"A price is {0:minimum} or more.");
            }

            if (line.MinimumUnitPriceMinor < 0)
            {
                Fault("minimum_unit_price", OutOfRange, $"A minimum price is {0:minimum} or more.");
            }

            if (!IsRate(line.TaxPercent))
            {
                Fault("tax_rate", OutOfRange, $"A tax rate is {0:minimum} to {100:maximum} percent.");
            }

            amount += (Int128)line.UnitPriceMinor * line.Quantity;
            units += line.Quantity;
        }

        if (units > MaxUnits)
        {
            Add(errors, "lines", "too_many_units", $"A cart has at most {MaxUnits:maximum} units.");
        }

        if (amount > MaxAmountMinor)
        {
            Add(errors, "lines", "amount_too_large", $"A cart costs at most {MaxAmountMinor:maximum} minor units.");
        }
    }

    private static void Deliveries(Cart cart, List<FieldError> errors)
    {
        for (var i = 0; i < cart.Shipping.Count; i++)
        {
            if (cart.Shipping[i].AmountMinor < 0)
            {
                Add(errors, $"shipping[{i}].amount", OutOfRange, $"An amount is {0:minimum} or more.");
            }

            if (!IsRate(cart.Shipping[i].TaxPercent))
            {
                Add(
                    errors,
                    $"shipping[{i}].tax_rate",
                    OutOfRange,
                    $"A tax rate is {0:minimum} to {100:maximum} percent."
                );
            }
        }
    }

    private static bool IsRate(decimal? rate) => rate is null or (>= 0 and <= 100);

    private static void Add(List<FieldError> errors, string field, string code, Sentence message) =>
        errors.Add(
            new FieldError(
                field,
                "#/" + field.Replace("[", "/", StringComparison.Ordinal).Replace("].", "/", StringComparison.Ordinal),
                code,
                message
            )
        );
}
