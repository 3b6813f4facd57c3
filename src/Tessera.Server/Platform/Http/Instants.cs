using System.Globalization;

namespace Tessera.Server.Platform.Http;

/// <summary>Instants on the wire (convention 2): RFC 3339 in, UTC with at most microseconds out.</summary>
public static class Instants
{
    private static readonly string[] Forms =
    [
        "yyyy-MM-dd'T'HH:mm:ssK",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd'T'HH:mmK",
    ];

    /// <summary>What to tell whoever writes a day otherwise.</summary>
    public const string NotADay = "This has to be a date, such as 2027-01-31.";

    /// <summary>Reads a day, such as 2027-01-31.</summary>
    public static bool TryParseDay(string text, out DateOnly day) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day)
        && day.Year is > 1900 and < 9998;

    /// <summary>Writes a day.</summary>
    public static string Format(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Reads an instant that names its offset.</summary>
    public static bool TryParse(string text, out DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(text);
        at = default;
        return text.Length > 10
            && (text[^1] == 'Z' || text[^6] is '+' or '-')
            && DateTimeOffset.TryParseExact(
                text,
                Forms,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AdjustToUniversal,
                out at
            )
            && at.Year is > 1900 and < 9999;
    }

    /// <summary>Writes an instant; no end is null.</summary>
    public static string? Format(DateTimeOffset? at) =>
        at is { } instant && instant != DateTimeOffset.MaxValue
            ? instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture)
            : null;
}
