using Tessera.Core.Coupons;

namespace Tessera.Core.Promotions;

/// <summary>What one coupon takes off one order amount (RUL-01, RUL-02).</summary>
public static class CouponPricing
{
    /// <summary>The discount in minor units.</summary>
    /// <param name="coupon">Its terms; conditions have been checked.</param>
    /// <param name="orderMinor">The eligible amount of the order, 0 or more, in the coupon's currency.</param>
    /// <returns>Half a minor unit rounds up; never above the cap, never above the order.</returns>
    public static long Discount(CouponTerms coupon, long orderMinor)
    {
        ArgumentNullException.ThrowIfNull(coupon);
        ArgumentOutOfRangeException.ThrowIfNegative(orderMinor);
        var discount = coupon.DiscountType switch
        {
            DiscountType.Percentage => PercentOf(orderMinor, coupon.Percent),
            DiscountType.FixedAmount => coupon.AmountMinor,
            DiscountType.FreeSession => orderMinor,
            _ => throw new ArgumentOutOfRangeException(nameof(coupon)),
        };
        return Math.Min(Math.Min(discount, coupon.MaxDiscountMinor ?? long.MaxValue), orderMinor);
    }

    /// <summary>A percentage of an amount, half up, exact for every 64-bit amount.</summary>
    public static long PercentOf(long amountMinor, decimal percent) => Spreading.PercentOf(amountMinor, percent);
}
