namespace Tessera.Core.Coupons;

/// <summary>What the law of a region asks of the end of coupons (AUD-05).</summary>
/// <param name="Region">A country (ISO 3166-1), a part of one (ISO 3166-2), or <c>default</c> for everywhere else.</param>
/// <param name="MinimumDays">Fewest days from the issue to the end; 0 for any.</param>
/// <param name="MayShorten">Whether an end that was promised may be brought forward.</param>
/// <param name="ShorteningDays">How many days ahead the earlier end has to be then; 0 for none.</param>
/// <param name="NoticeDays">How many days before the end customers have to be told of it; 0 for no notice.</param>
public sealed record RegionRule(string Region, int MinimumDays, bool MayShorten, int ShorteningDays, int NoticeDays)
{
    /// <summary>The code of an end that comes too soon after the issue.</summary>
    public const string TooShort = "region_minimum_validity";

    /// <summary>The code of an end that is brought forward where it may not be.</summary>
    public const string BroughtForward = "region_end_brought_forward";

    private const string End = "valid_until";

    /// <summary>The rule in a sentence that names the region.</summary>
    private Sentence Minimum =>
        Region == RegionNames.Default
            ? (Sentence)$"By the rule for all other regions, coupons are valid for at least {MinimumDays:days} days."
            : (Sentence)$"By the rule of {Region:region}, coupons are valid for at least {MinimumDays:days} days.";

    private Sentence Shortening =>
        (MayShorten, Region == RegionNames.Default) switch
        {
            (true, true) =>
                $"By the rule for all other regions, an end may be brought forward with {ShorteningDays:days} days' notice only.",
            (true, false) =>
                $"By the rule of {Region:region}, an end may be brought forward with {ShorteningDays:days} days' notice only.",
            (false, true) => "By the rule for all other regions, an end that was promised may not be brought forward.",
            (false, false) => $"By the rule of {Region:region}, an end that was promised may not be brought forward.",
        };

    /// <summary>What is wrong with the end of a coupon, or of a change of one.</summary>
    /// <param name="before">The window it has now, with the instant it was made at; null for a new one.</param>
    /// <param name="from">First instant, as wanted.</param>
    /// <param name="until">First instant after it, as wanted; null for no end.</param>
    /// <param name="now">The database clock.</param>
    /// <returns>Null when the rule allows it.</returns>
    public FieldError? Check(CouponWindow? before, DateTimeOffset from, DateTimeOffset? until, DateTimeOffset now)
    {
        if (until is not { } end || (before is { } same && same.From == from && same.Until <= end))
        {
            // A later end takes nothing from anybody, even if it is not as late as that of a new coupon has to be.
            return null;
        }

        // A coupon that has not begun has promised nobody anything yet.
        if (before is { } old && old.From <= now && end < old.Until && IsTooEarly(end, now))
        {
            return new FieldError(End, "#/" + End, BroughtForward, Shortening);
        }

        var issued = before?.MadeAt ?? now;
        return IsTooShort(from > issued ? from : issued, end)
            ? new FieldError(End, "#/" + End, TooShort, Minimum)
            : null;
    }

    /// <summary>Why units cannot be issued at this instant; null when the rule allows it.</summary>
    /// <param name="field">The member that asks for them.</param>
    /// <param name="from">First instant of their windows.</param>
    /// <param name="until">First instant after them; the greatest instant for no end.</param>
    /// <param name="now">The database clock.</param>
    public Refusal? CheckIssue(string field, DateTimeOffset from, DateTimeOffset until, DateTimeOffset now) =>
        until != DateTimeOffset.MaxValue && IsTooShort(from > now ? from : now, until)
            ? new Refusal(TooShort, Minimum, errors: [new FieldError(field, "#/" + field, TooShort, Minimum)])
            : null;

    /// <summary>Why a unit that is live cannot be ended at this instant; null when the rule allows it.</summary>
    public Refusal? CheckEnding() => MayShorten && ShorteningDays == 0 ? null : new Refusal(BroughtForward, Shortening);

    /// <summary>Why units that are live cannot be given an earlier end; null when the rule allows it.</summary>
    public Refusal? CheckShortening(DateTimeOffset end, DateTimeOffset now) =>
        IsTooEarly(end, now) ? new Refusal(BroughtForward, Shortening) : null;

    private bool IsTooShort(DateTimeOffset from, DateTimeOffset until) => until - from < TimeSpan.FromDays(MinimumDays);

    private bool IsTooEarly(DateTimeOffset end, DateTimeOffset now) =>
        !MayShorten || end - now < TimeSpan.FromDays(ShorteningDays);
}

/// <summary>The window a coupon has.</summary>
/// <param name="From">First instant.</param>
/// <param name="Until">First instant after it; the greatest instant for no end.</param>
/// <param name="MadeAt">When the coupon was made.</param>
public readonly record struct CouponWindow(DateTimeOffset From, DateTimeOffset Until, DateTimeOffset MadeAt);
