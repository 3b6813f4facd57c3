using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;

namespace Tessera.Server.Promotions;

/// <summary>The terms a coupon would have if it were saved as it stands, for a preview.</summary>
internal static class CouponDraftTerms
{
    /// <summary>Null while it does not say what it gives.</summary>
    public static CouponTerms? Of(CouponDraft draft)
    {
        ArgumentNullException.ThrowIfNull(draft);
        DiscountType? type = draft.DiscountType switch
        {
            "percentage" when draft.DiscountValue is > 0 and <= 100 => DiscountType.Percentage,
            "fixed_amount" when Minor(draft.DiscountValue, draft) > 0 => DiscountType.FixedAmount,
            "free_session" => DiscountType.FreeSession,
            _ => null,
        };
        return type is null || !Currencies.IsKnown(draft.Currency)
            ? null
            : new CouponTerms
            {
                Id = 0,
                Version = 1,
                HasSharedCode = true,
                IsActive = true,
                DiscountType = type.Value,
                Percent = type == DiscountType.Percentage ? draft.DiscountValue ?? 0 : 0,
                AmountMinor = type == DiscountType.FixedAmount ? Minor(draft.DiscountValue, draft) ?? 0 : 0,
                Currency = draft.Currency,
                MaxDiscountMinor = Minor(draft.MaxDiscountAmount, draft),
                MinimumOrderMinor = Minor(draft.MinimumOrderValue, draft) ?? 0,
                MaximumOrderMinor = Minor(draft.MaximumOrderValue, draft),
                MaxUsesTotal = draft.MaxUsesTotal,
                MaxUsesPerUser = (int)Math.Clamp(draft.MaxUsesPerUser, 1, int.MaxValue),
                ValidFrom = DateTimeOffset.MinValue,
                ValidUntil = DateTimeOffset.MaxValue,
                ApplicableTo = draft.ApplicableTo,
                Consultants = draft.ConsultantRestrictions,
                SessionTypes = draft.ServiceTypeRestrictions,
                EligibleServices = draft.EligibleServices,
                Channels = draft.Channels,
                Stacking = new Stacking(
                    draft.Stacking == Stacking.ExclusiveWord,
                    draft.StackingGroups ?? [],
                    draft.ApplyOrder is >= 1 and <= Stacking.LastOrder ? (int)draft.ApplyOrder : null
                ),
            };
    }

    private static long? Minor(decimal? major, CouponDraft draft) =>
        major is { } amount && Currencies.TryToMinor(amount, draft.Currency, out var minor) ? minor : null;
}
