using Tessera.Core.Promotions;

namespace Tessera.Core.Coupons;

/// <summary>The rules every coupon has to keep, with the messages callers rely on (A.5).</summary>
public static class CouponRules
{
    /// <summary>Values of <c>discount_type</c>.</summary>
    public static readonly IReadOnlyList<string> DiscountTypes = ["percentage", "fixed_amount", "free_session"];

    /// <summary>Values of <c>applicable_to</c>.</summary>
    public static readonly IReadOnlyList<string> Applicability =
    [
        "all",
        "book_a_meeting",
        "30_for_30",
        "specific_consultants",
        "first_time_users",
    ];

    /// <summary>Values of <c>distribution</c>.</summary>
    public static readonly IReadOnlyList<string> Distributions = ["public", "private", "code"];

    /// <summary>Values of <c>code_kind</c>.</summary>
    public static readonly IReadOnlyList<string> CodeKinds = ["shared", "unique"];

    /// <summary>Values of <c>campaign_role</c>.</summary>
    public static readonly IReadOnlyList<string> CampaignRoles = ["primary", "secondary", "fallback"];

    /// <summary>Percentages are kept to a thousandth.</summary>
    private const int PercentDigits = 3;

    private const int ShortestName = 3;
    private const int LongestCode = 20;
    private const int LowestPercent = 1;
    private const int HighestPercent = 100;
    private const int MostUsesPerUser = 10;

    /// <summary>All that is wrong with a draft, by field.</summary>
    /// <param name="draft">As read.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="startIsNew">Whether <c>valid_from</c> is set or changed by this: only then it binds .</param>
    public static IReadOnlyList<FieldError> Validate(CouponDraft draft, DateTimeOffset now, bool startIsNew)
    {
        ArgumentNullException.ThrowIfNull(draft);
        var errors = new List<FieldError>();
        ValidateNames(draft, errors);
        ValidateDiscount(draft, errors);
        ValidateAmounts(draft, errors);
        ValidateUses(draft, errors);
        ValidateWindow(draft, now, startIsNew, errors);
        ValidateTarget(draft, errors);
        ValidateStacking(draft, errors);
        return errors;
    }

    /// <summary>The error of a code that is taken.</summary>
    public static FieldError CodeTaken { get; } = new("code", "#/code", "duplicate_code", "Coupon code already exists");

    private static void ValidateNames(CouponDraft draft, List<FieldError> errors)
    {
        var code = draft.Code ?? "";
        if (code.Length < ShortestName)
        {
            Add(errors, "code", "too_short", $"Code must be at least {ShortestName:minimum} characters");
        }

        if (code.Length > LongestCode)
        {
            Add(errors, "code", "too_long", $"Code must not exceed {LongestCode:maximum} characters");
        }

        if (code.Length > 0 && !code.All(static c => c is (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-' or '_'))
        {
            Add(
                errors,
                "code",
                "invalid_characters",
                "Code must contain only uppercase letters, numbers, underscores, and hyphens"
            );
        }

        var name = draft.InternalName ?? "";
        if (name.Length < ShortestName)
        {
            Add(
                errors,
                "internal_name",
                "too_short",
                $"Internal name must be at least {ShortestName:minimum} characters"
            );
        }

        if (name.Length > 100)
        {
            Add(errors, "internal_name", "too_long", "Internal name too long");
        }

        if (!draft.Description.TryGetValue("en", out var english) || string.IsNullOrWhiteSpace(english))
        {
            errors.Add(
                new FieldError("description.en", "#/description/en", "required", "An English description is required")
            );
        }

        Require(errors, "code_kind", draft.CodeKind, CodeKinds);
        Require(errors, "distribution", draft.Distribution, Distributions);
        if (draft.CampaignRole is not null)
        {
            Require(errors, "campaign_role", draft.CampaignRole, CampaignRoles);
            if (draft.CampaignId is null)
            {
                Add(errors, "campaign_role", "needs_campaign", "A role needs a campaign");
            }
        }

        if (draft.Distribution == "private" && draft.CampaignId is null)
        {
            Add(errors, "campaign_id", "required", "A private coupon needs the campaign whose audience may use it");
        }
    }

    private static void ValidateDiscount(CouponDraft draft, List<FieldError> errors)
    {
        if (draft.DiscountType is null || !DiscountTypes.Contains(draft.DiscountType))
        {
            Require(errors, "discount_type", draft.DiscountType ?? "", DiscountTypes);
            if (draft.DiscountValue is <= 0)
            {
                Add(errors, "discount_value", "not_positive", "Discount value must be positive");
            }

            return;
        }

        if (draft.DiscountType == "free_session")
        {
            // the value of a free session is fixed.
            if (draft.DiscountValue is { } value && value != HighestPercent)
            {
                Add(errors, "discount_value", "out_of_range", $"A free session is always {HighestPercent:value}%");
            }

            return;
        }

        if (draft.DiscountValue is not { } given)
        {
            Add(errors, "discount_value", "required", "Discount value must be positive");
        }
        else if (given <= 0)
        {
            Add(errors, "discount_value", "not_positive", "Discount value must be positive");
        }
        else if (draft.DiscountType == "percentage")
        {
            if (given > HighestPercent)
            {
                Add(
                    errors,
                    "discount_value",
                    "out_of_range",
                    $"Percentage discount cannot exceed {HighestPercent:maximum}%"
                );
            }
            else if (given < LowestPercent)
            {
                Add(
                    errors,
                    "discount_value",
                    "out_of_range",
                    $"Percentage discount must be at least {LowestPercent:minimum}%"
                );
            }
            else if (decimal.Round(given, PercentDigits) != given)
            {
                Add(
                    errors,
                    "discount_value",
                    "too_precise",
                    $"Percentage discount has at most {PercentDigits:maximum} decimal places"
                );
            }
        }
        else
        {
            RequireAmount(errors, "discount_value", given, draft.Currency);
        }
    }

    private static void ValidateAmounts(CouponDraft draft, List<FieldError> errors)
    {
        if (!Currencies.IsKnown(draft.Currency))
        {
            Add(errors, "currency", "unknown_currency", "Currency must be an ISO 4217 code");
        }

        if (draft.MaxDiscountAmount is { } cap)
        {
            if (cap <= 0)
            {
                Add(errors, "max_discount_amount", "not_positive", "Maximum discount must be positive");
            }

            RequireAmount(errors, "max_discount_amount", cap, draft.Currency);
        }

        if (draft.MinimumOrderValue < 0)
        {
            Add(errors, "minimum_order_value", "negative", "Minimum order value cannot be negative");
        }

        RequireAmount(errors, "minimum_order_value", draft.MinimumOrderValue, draft.Currency);
        if (draft.MaximumOrderValue is { } maximum)
        {
            RequireAmount(errors, "maximum_order_value", maximum, draft.Currency);
            if (maximum < draft.MinimumOrderValue || maximum <= 0)
            {
                Add(
                    errors,
                    "maximum_order_value",
                    "below_minimum",
                    "Maximum order value must be positive and not below the minimum"
                );
            }
        }
    }

    private static void ValidateUses(CouponDraft draft, List<FieldError> errors)
    {
        if (draft.MaxUsesTotal is <= 0)
        {
            Add(errors, "max_uses_total", "not_positive", "Usage limit must be positive");
        }

        if (draft.MaxUsesPerUser < 1)
        {
            Add(errors, "max_uses_per_user", "too_small", $"Must allow at least {1:minimum} use per user");
        }

        if (draft.MaxUsesPerUser > MostUsesPerUser)
        {
            Add(errors, "max_uses_per_user", "too_large", $"Cannot exceed {MostUsesPerUser:maximum} uses per user");
        }
    }

    private static void ValidateWindow(CouponDraft draft, DateTimeOffset now, bool startIsNew, List<FieldError> errors)
    {
        if (!Zones.TryFind(draft.TimeZone, out var zone))
        {
            Add(errors, "time_zone", "unknown_zone", "Time zone must be an IANA name");
            return;
        }

        if (draft.ValidFrom is not { } from)
        {
            return;
        }

        // The rule speaks of dates: a coupon may start at any time of the day it is made on.
        if (startIsNew && Zones.DayOf(from, zone) < Zones.DayOf(now, zone))
        {
            Add(errors, "valid_from", "in_the_past", "Start date cannot be in the past");
        }

        if (draft.ValidUntil <= from)
        {
            Add(errors, "valid_until", "not_after_start", "Expiration date must be after start date");
        }
    }

    private static void ValidateTarget(CouponDraft draft, List<FieldError> errors)
    {
        Require(errors, "applicable_to", draft.ApplicableTo, Applicability);
        if (draft.ApplicableTo == "specific_consultants" && draft.ConsultantRestrictions is not { Count: > 0 })
        {
            Add(errors, "consultant_restrictions", "required", "At least one consultant must be named");
        }
    }

    private static void ValidateStacking(CouponDraft draft, List<FieldError> errors)
    {
        Require(errors, "stacking", draft.Stacking, Stacking.Words);
        if (draft.ApplyOrder is < 1 or > Stacking.LastOrder)
        {
            Add(
                errors,
                "apply_order",
                "out_of_range",
                $"The place must lie between {1:minimum} and {Stacking.LastOrder:maximum}"
            );
        }

        if (draft.StackingGroups is not { Count: > 0 } groups)
        {
            return;
        }

        if (draft.Stacking == Stacking.ExclusiveWord)
        {
            Add(
                errors,
                "stacking_groups",
                "contradiction",
                "An exclusive coupon combines with none, so it has no groups"
            );
        }

        if (groups.Any(string.IsNullOrWhiteSpace))
        {
            Add(errors, "stacking_groups", "required", "A group needs a name");
        }
        else if (groups.Distinct(StringComparer.Ordinal).Count() < groups.Count)
        {
            Add(errors, "stacking_groups", "duplicate", "A group is named twice");
        }
    }

    private static void Require(List<FieldError> errors, string field, string value, IReadOnlyList<string> values)
    {
        if (!values.Contains(value))
        {
            Add(errors, field, "unknown_value", $"This has to be one of: {values:values}");
        }
    }

    private static void RequireAmount(List<FieldError> errors, string field, decimal amount, string currency)
    {
        if (Currencies.IsKnown(currency) && !Currencies.TryToMinor(amount, currency, out _))
        {
            var digits = Currencies.DigitsOf(currency);
            Add(
                errors,
                field,
                "too_precise",
                $"An amount in {currency:currency} has at most {digits:maximum} decimal places"
            );
        }
    }

    private static void Add(List<FieldError> errors, string field, string code, Sentence message) =>
        errors.Add(new FieldError(field, "#/" + field, code, message));
}
