using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons;

/// <summary>Asks the rule of a region about coupons (AUD-05).</summary>
internal static class RegionCheck
{
    /// <summary>The refusal of units that end too soon, for the description.</summary>
    public static readonly Refusal TooShort = new(
        RegionRule.TooShort,
        "By the rule of AT, coupons are valid for at least 365 days."
    );

    /// <summary>The refusal of an end at once, for the description.</summary>
    public static readonly Refusal BroughtForward = new(
        RegionRule.BroughtForward,
        "By the rule of AT, an end may be brought forward with 30 days' notice only."
    );

    /// <summary>What a rule says against a draft; nothing where none counts.</summary>
    /// <param name="rule">Of the merchant the draft names.</param>
    /// <param name="before">What it changes; null for a new coupon.</param>
    /// <param name="draft">As read: a start that could not be read is told of by the rules of coupons.</param>
    /// <param name="now">The database clock.</param>
    public static IReadOnlyList<FieldError> Of(RegionRule? rule, Coupon? before, CouponDraft draft, DateTimeOffset now)
    {
        // What another merchant's customers were promised says nothing of these.
        CouponWindow? window =
            before is not null && before.MerchantId == draft.MerchantId
                ? new CouponWindow(before.ValidFrom, before.ValidUntil, before.CreatedAt)
                : null;
        return draft.ValidFrom is { } from && rule?.Check(window, from, draft.ValidUntil, now) is { } error
            ? [error]
            : [];
    }

    /// <summary>All that is wrong with a coupon of a file.</summary>
    public static IReadOnlyList<FieldError> Validate(
        CouponRegions regions,
        Coupon? before,
        CouponDraft draft,
        DateTimeOffset now
    )
    {
        var startIsNew = before is null || before.ValidFrom != draft.ValidFrom;
        var errors = CouponRules.Validate(draft, now, startIsNew);
        return errors.Count > 0 ? errors : Of(regions.Of(draft.MerchantId), before, draft, now);
    }
}
