using System.Globalization;
using System.Net;
using System.Text;
using Tessera.Core;
using Tessera.Server.Notifications.Mail;

namespace Tessera.Server.Notifications;

/// <summary>A code and when it ends.</summary>
internal sealed record EndingCode(string Code, DateTimeOffset EndsAt);

/// <summary>What a letter about the end of coupons says; all of it is other people's words or computed.</summary>
/// <param name="Language">en or de.</param>
/// <param name="Zone">In which ends are given.</param>
/// <param name="Merchant">Whose coupon it is; null for the deployment's own.</param>
/// <param name="Description">Of the coupon, for customers.</param>
/// <param name="Percent">A share off; null for none.</param>
/// <param name="Off">An amount off; null for none.</param>
/// <param name="Codes">At least one; in order of their ends.</param>
internal sealed record ExpiryFacts(
    string Language,
    TimeZoneInfo Zone,
    string? Merchant,
    string? Description,
    decimal? Percent,
    Money? Off,
    IReadOnlyList<EndingCode> Codes
);

/// <summary>
/// The letter that tells a customer of the end of coupons (AUD-05). One message in two languages needs no engine for
/// templates; whatever stands in it is escaped for HTML.
/// </summary>
internal static class ExpiryLetter
{
    /// <summary>More codes of one coupon are counted, not listed.</summary>
    private const int MostCodes = 50;

    /// <summary>The name of a merchant is cut, so that a subject stays a subject.</summary>
    private const int LongestName = 80;

    // The program runs without the cultures of the system, so it brings what little it needs.
    private static readonly CultureInfo English = With(
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        ".",
        ","
    );

    private static readonly CultureInfo German = With(
        [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        ",",
        "."
    );

    /// <summary>The letter of a message.</summary>
    public static Letter Write(Guid id, string to, ExpiryFacts facts)
    {
        var isGerman = facts.Language == "de";
        var culture = isGerman ? German : English;
        var shown = facts.Codes.Take(MostCodes).ToList();
        var first = At(facts.Codes[0].EndsAt, facts.Zone, culture);
        var from = facts.Merchant is { } name
            ? name.Length > LongestName
                ? name[..LongestName] + "…"
                : name
            : null;
        var subject =
            (isGerman, facts.Codes.Count) switch
            {
                (true, 1) => $"Ihr Gutschein endet am {first.Day}",
                (true, _) => $"{facts.Codes.Count} Ihrer Gutscheine enden ab {first.Day}",
                (false, 1) => $"Your coupon ends on {first.Day}",
                _ => $"{facts.Codes.Count} of your coupons end from {first.Day}",
            } + (from is null ? "" : $" – {from}");
        var benefit = Benefit(facts, isGerman, culture);

        var lead = (isGerman, facts.Merchant) switch
        {
            (true, null) => "Sie haben einen Gutschein, der bald endet.",
            (true, _) => $"Sie haben einen Gutschein von {facts.Merchant}, der bald endet.",
            (false, null) => "You hold a coupon that ends soon.",
            _ => $"You hold a coupon from {facts.Merchant} that ends soon.",
        };
        var rest = facts.Codes.Count - shown.Count;
        var more =
            rest == 0 ? null
            : isGerman ? $"Und {rest} weitere dieses Gutscheins."
            : $"And {rest} more of this coupon.";
        var foot = isGerman
            ? "Danach kann er nicht mehr eingelöst werden. Diese Nachricht ist vorgeschrieben und keine Werbung."
            : "After that it cannot be used. This notice is required by law and is no advertisement.";

        var text = new StringBuilder(lead).Append("\n\n");
        var html = new StringBuilder("<!doctype html><html lang=\"").Append(facts.Language).Append("\"><body><p>");
        html.Append(Html(lead)).Append("</p>");
        foreach (var line in benefit)
        {
            text.Append(line).Append("\n\n");
            html.Append("<p>").Append(Html(line)).Append("</p>");
        }

        html.Append("<ul>");
        foreach (var (code, endsAt) in shown)
        {
            var (day, time) = At(endsAt, facts.Zone, culture);
            var until = isGerman ? $"bis {day}, {time}" : $"until {day}, {time}";
            text.Append(code).Append(": ").Append(until).Append('\n');
            html.Append("<li><strong>").Append(Html(code)).Append("</strong>: ").Append(Html(until)).Append("</li>");
        }

        html.Append("</ul>");
        foreach (var line in more is null ? [foot] : (string[])[more, foot])
        {
            text.Append('\n').Append(line).Append('\n');
            html.Append("<p>").Append(Html(line)).Append("</p>");
        }

        html.Append("</body></html>");
        return new Letter(id, to, facts.Language, subject, text.ToString(), html.ToString());
    }

    private static IEnumerable<string> Benefit(ExpiryFacts facts, bool isGerman, CultureInfo culture)
    {
        if (facts.Description is { Length: > 0 } words)
        {
            yield return words;
        }

        if (facts.Off is { } off)
        {
            var amount =
                $"{Currencies.ToMajor(off.Minor, off.Currency).ToString("N" + Currencies.DigitsOf(off.Currency), culture)} {off.Currency}";
            yield return isGerman ? $"Rabatt: {amount}" : $"Discount: {amount}";
        }
        else if (facts.Percent is { } percent)
        {
            var share = percent.ToString("0.###", culture) + " %";
            yield return isGerman ? $"Rabatt: {share}" : $"Discount: {share}";
        }
    }

    /// <summary>Day and time of an end. A day that is over at midnight is the day before to everybody but a clock.</summary>
    private static (string Day, string Time) At(DateTimeOffset end, TimeZoneInfo zone, CultureInfo culture)
    {
        var local = TimeZoneInfo.ConvertTime(end, zone);
        var isMidnight = local.TimeOfDay == TimeSpan.Zero;
        var day = isMidnight ? local.AddTicks(-1) : local;
        var time = isMidnight ? "24:00" : local.ToString("HH:mm", CultureInfo.InvariantCulture);
        var pattern = ReferenceEquals(culture, German) ? "d. MMMM yyyy" : "d MMMM yyyy";
        return (day.ToString(pattern, culture), $"{time} ({zone.Id})");
    }

    private static CultureInfo With(string[] months, string point, string groups)
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.DateTimeFormat.MonthNames = [.. months, ""];
        culture.DateTimeFormat.MonthGenitiveNames = [.. months, ""];
        (culture.NumberFormat.NumberDecimalSeparator, culture.NumberFormat.NumberGroupSeparator) = (point, groups);
        return culture;
    }

    private static string Html(string text) =>
        WebUtility.HtmlEncode(text).Replace("\n", "<br>", StringComparison.Ordinal);
}
