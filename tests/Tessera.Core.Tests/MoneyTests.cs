using Tessera.Core;
using Xunit;

namespace Tessera.Core.Tests;

public class MoneyTests
{
    [Theory]
    [InlineData("12.5", "USD", 1250)]
    [InlineData("12", "JPY", 12)]
    [InlineData("1.234", "KWD", 1234)]
    [InlineData("-0.01", "EUR", -1)]
    public void A_decimal_becomes_minor_units_exactly(string major, string currency, long minor)
    {
        Assert.True(
            Currencies.TryToMinor(
                decimal.Parse(major, System.Globalization.CultureInfo.InvariantCulture),
                currency,
                out var result
            )
        );
        Assert.Equal(minor, result);
    }

    [Theory]
    [InlineData("12.505", "USD")]
    [InlineData("0.5", "JPY")]
    [InlineData("92233720368547758.08", "USD")]
    public void More_digits_than_the_currency_has_are_refused(string major, string currency) =>
        Assert.False(
            Currencies.TryToMinor(
                decimal.Parse(major, System.Globalization.CultureInfo.InvariantCulture),
                currency,
                out _
            )
        );

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    public void Major_and_back_is_the_same_amount(long minor)
    {
        Assert.True(Currencies.TryToMinor(Currencies.ToMajor(minor, "USD"), "USD", out var back));
        Assert.Equal(minor, back);
    }
}
