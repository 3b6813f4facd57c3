namespace Tessera.Core;

/// <summary>An amount in minor units of one ISO 4217 currency (convention 3).</summary>
/// <param name="Minor">Minor units: cents for USD, whole yen for JPY, fils for KWD. May be negative.</param>
/// <param name="Currency">Three upper-case letters, see <see cref="Currencies"/>.</param>
public readonly record struct Money(long Minor, string Currency)
{
    /// <summary>Nothing, in a currency.</summary>
    public static Money Zero(string currency) => new(0, currency);

    /// <inheritdoc/>
    public override string ToString() => $"{Currencies.Format(Minor, Currency)} {Currency}";
}
