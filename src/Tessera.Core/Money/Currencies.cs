using System.Collections.Frozen;
using System.Globalization;

namespace Tessera.Core;

/// <summary>The currencies of ISO 4217 and how many digits their minor unit has.</summary>
public static class Currencies
{
    private static readonly FrozenDictionary<string, int> Digits = Build();

    /// <summary>Whether the text is an ISO 4217 currency in circulation.</summary>
    public static bool IsKnown(string? currency) => currency is not null && Digits.ContainsKey(currency);

    /// <summary>Digits after the point: JPY 0, USD 2, KWD 3.</summary>
    /// <exception cref="ArgumentException">The currency is not known.</exception>
    public static int DigitsOf(string currency) =>
        Digits.TryGetValue(currency, out var digits)
            ? digits
            : throw new ArgumentException($"Unknown currency {currency}", nameof(currency));

    /// <summary>The currencies by the digits of their minor unit.</summary>
    public static IReadOnlyList<(int Digits, IReadOnlyList<string> Codes)> ByDigits { get; } =
    [
        .. Digits
            .GroupBy(static c => c.Value, static c => c.Key)
            .OrderBy(static g => g.Key)
            .Select(static g => (g.Key, (IReadOnlyList<string>)[.. g.Order(StringComparer.Ordinal)])),
    ];

    /// <summary>
    /// Turns a decimal in major units into minor units, exactly.
    /// </summary>
    /// <returns>False when the amount has more digits than the currency, or does not fit 64 bits.</returns>
    public static bool TryToMinor(decimal major, string currency, out long minor)
    {
        minor = 0;
        var scale = Scale(DigitsOf(currency));
        if (major > long.MaxValue / scale || major < long.MinValue / scale)
        {
            return false;
        }

        var scaled = major * scale;
        if (scaled != decimal.Truncate(scaled))
        {
            return false;
        }

        minor = (long)scaled;
        return true;
    }

    /// <summary>Major units as an exact decimal with all digits of the currency (12.50).</summary>
    public static decimal ToMajor(long minor, string currency)
    {
        var digits = DigitsOf(currency);
        var negative = minor < 0;
        var magnitude = negative ? unchecked((ulong)-minor) : (ulong)minor;
        return new decimal(unchecked((int)magnitude), unchecked((int)(magnitude >> 32)), 0, negative, (byte)digits);
    }

    /// <summary>Major units with a point and all digits of the currency, without the currency.</summary>
    public static string Format(long minor, string currency) =>
        ToMajor(minor, currency).ToString(CultureInfo.InvariantCulture);

    private static decimal Scale(int digits) =>
        digits switch
        {
            0 => 1m,
            2 => 100m,
            3 => 1000m,
            4 => 10000m,
            _ => throw new ArgumentOutOfRangeException(nameof(digits)),
        };

    private static FrozenDictionary<string, int> Build()
    {
        const string two =
            "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
            + "CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
            + "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
            + "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
            + "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER "
            + "ZAR ZMW ZWG";
        var table = new Dictionary<string, int>(StringComparer.Ordinal);
        Add(two, 2);
        Add("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0);
        Add("BHD IQD JOD KWD LYD OMR TND", 3);
        Add("CLF UYW", 4);
        return table.ToFrozenDictionary(StringComparer.Ordinal);

        void Add(string codes, int digits)
        {
            foreach (var code in codes.Split(' '))
            {
                table[code] = digits;
            }
        }
    }
}
