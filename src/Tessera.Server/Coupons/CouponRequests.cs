using System.Globalization;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>What callers of the admin endpoints send (A.4), read into drafts.</summary>
internal static class CouponRequests
{
    /// <summary>Most characters of a free text.</summary>
    public const int TextLimit = 4000;
    private const int ListLimit = 1000;
    private const int LocaleLimit = 20;

    /// <summary>Reads the members of a coupon; what is wrong is in the fields afterwards.</summary>
    /// <param name="body">The members.</param>
    /// <param name="isTemplate">Whether only some of them need to be there.</param>
    public static CouponDraft Read(Fields body, bool isTemplate = false)
    {
        var zone = body.Text("time_zone", 64, required: false) ?? "UTC";
        Zones.TryFind(zone, out var days);
        return new CouponDraft
        {
            Code = CodeOf(body.Text("code", 200, required: false)),
            CodeKind = body.Text("code_kind", 20, required: false) ?? "shared",
            Distribution = body.Text("distribution", 20, required: false) ?? "code",
            InternalName = body.Text("internal_name", TextLimit, required: false),
            Description = DescriptionOf(body),
            DiscountType = body.Text("discount_type", 20, required: false),
            DiscountValue = body.Decimal("discount_value", required: false),
            Currency = body.Text("currency", 10, required: false) ?? "USD",
            MaxDiscountAmount = body.Decimal("max_discount_amount", required: false),
            MinimumOrderValue = body.Decimal("minimum_order_value", required: false) ?? 0,
            MaximumOrderValue = body.Decimal("maximum_order_value", required: false),
            MaxUsesTotal = body.Integer("max_uses_total", -Fields.MaximumInteger, Fields.MaximumInteger, false),
            MaxUsesPerUser =
                body.Integer("max_uses_per_user", -Fields.MaximumInteger, Fields.MaximumInteger, false) ?? 1,
            ValidFrom = InstantOf(body, "valid_from", days, required: !isTemplate, isEnd: false),
            ValidUntil = InstantOf(body, "valid_until", days, required: false, isEnd: true),
            TimeZone = zone,
            ApplicableTo = body.Text("applicable_to", 40, required: false) ?? "all",
            ConsultantRestrictions = body.List(
                "consultant_restrictions",
                ListLimit,
                static (item, place) => item.Integer(place, 1, int.MaxValue),
                required: false
            )
                is { } consultants
                ? [.. consultants.Select(c => (int)c!.Value)]
                : null,
            ServiceTypeRestrictions = Texts(body, "service_type_restrictions"),
            EligibleServices = Texts(body, "eligible_services"),
            Channels = Texts(body, "channels"),
            Products = Texts(body, "products"),
            Stacking = body.Text("stacking", 20, required: false) ?? Stacking.Words[0],
            StackingGroups = Texts(body, "stacking_groups") is { Count: > 0 } groups ? groups : null,
            ApplyOrder = body.Integer("apply_order", -Fields.MaximumInteger, Fields.MaximumInteger, required: false),
            CampaignId = body.Text("campaign_id", 100, required: false),
            CampaignRole = body.Text("campaign_role", 20, required: false),
            MerchantId = body.Id("merchant_id", required: false),
            CampaignSource = body.Text("campaign_source", 200, required: false),
            UtmSource = body.Text("utm_source", 200, required: false),
            UtmMedium = body.Text("utm_medium", 200, required: false),
            UtmCampaign = body.Text("utm_campaign", 200, required: false),
            Notes = body.Text("notes", TextLimit, required: false),
            IsActive = body.Flag("is_active", required: false) ?? false,
            ExternalId = body.Text("external_id", 200, required: false),
        };
    }

    /// <summary>Reads the members of a coupon for a key that may act for one merchant, whose coupon it then is.</summary>
    public static CouponDraft Read(Fields body, Guid? merchant)
    {
        var draft = Read(body);
        if (merchant is null)
        {
            return draft;
        }

        if (draft.MerchantId is { } other && other != merchant)
        {
            body.Add("merchant_id", "not_yours", "This key acts for another merchant.");
        }

        return draft with
        {
            MerchantId = merchant,
        };
    }

    /// <summary>
    /// An instant, or a date, which stands for its first instant in the coupon's zone; as an end, for the first instant
    /// of the day after it (convention 2).
    /// </summary>
    public static bool TryParseInstant(string text, TimeZoneInfo zone, bool isEnd, out DateTimeOffset at)
    {
        if (
            DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            && day.Year is > 1900 and < 9998
        )
        {
            at = Zones.StartOf(isEnd ? day.AddDays(1) : day, zone);
            return true;
        }

        return Instants.TryParse(text, out at);
    }

    /// <summary>
    /// A code as it is stored: trimmed of blanks and upper-cased where that makes it a code, else as it was written, for
    /// the rules to refuse (CPN-10). A line break is no blank: something else was pasted along.
    /// </summary>
    public static string? CodeOf(string? text) =>
        text is not null && !text.Any(char.IsControl) && CouponCode.TryNormalise(text, out var code) ? code : text;

    private static DateTimeOffset? InstantOf(Fields body, string name, TimeZoneInfo zone, bool required, bool isEnd)
    {
        var text = body.Text(name, 40, required);
        if (text is null)
        {
            return null;
        }

        if (TryParseInstant(text, zone, isEnd, out var at))
        {
            return at;
        }

        body.Add(name, "not_an_instant", "This has to be a date, or a time with its offset.");
        return null;
    }

    private static IReadOnlyDictionary<string, string> DescriptionOf(Fields body)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (body.Object("description", required: false) is not { } description)
        {
            return texts;
        }

        foreach (var locale in description.Names().Take(LocaleLimit))
        {
            if (locale.Length is < 2 or > 12 || !locale.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            {
                description.Add(locale, "not_a_locale", "This has to be a language tag, such as en or de-AT.");
            }

            if (description.Text(locale, TextLimit, required: false) is { } text)
            {
                texts[locale] = text;
            }
        }

        return texts;
    }

    private static IReadOnlyList<string>? Texts(Fields body, string name) =>
        body.List(name, ListLimit, static (item, place) => item.Text(place, 200), required: false);
}
