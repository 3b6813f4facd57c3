using System.Globalization;
using Tessera.Core.Coupons;

namespace Tessera.Core.Promotions;

/// <summary>A coupon as the engine prices it among others (RUL-01, RUL-02).</summary>
public static class CouponPromotion
{
    /// <summary>The promotion a coupon stands for.</summary>
    /// <param name="coupon">Its terms.</param>
    /// <param name="code">Its code in normal form.</param>
    /// <param name="priority">Its place among the promotions priced together, where it has none of its own; 1 applies first.</param>
    public static Promotion Of(CouponTerms coupon, string code, int priority)
    {
        ArgumentNullException.ThrowIfNull(coupon);
        ArgumentException.ThrowIfNullOrEmpty(code);
        var place = coupon.Stacking.Order ?? priority;
        return new Promotion(coupon.Id.ToString(CultureInfo.InvariantCulture), place, [EffectOf(coupon)])
        {
            Code = code,
            Exclusive = coupon.Stacking.Exclusive,
            Groups = coupon.Stacking.Groups,
            Version = (int)coupon.Version,
            Active = coupon is { IsActive: true, IsDeleted: false },
            ValidFrom = coupon.ValidFrom,
            ValidUntil = coupon.ValidUntil == DateTimeOffset.MaxValue ? null : coupon.ValidUntil,
            Channels = coupon.Channels,
            Currency = coupon.Currency,
            MaxUses = coupon.MaxUsesTotal is { } most ? (int)Math.Min(most, int.MaxValue) : null,
            MaxUsesPerCustomer = coupon.MaxUsesPerUser,
            Condition = new AllOf([.. ConditionsOf(coupon)]),
            Budget = BudgetOf(coupon),
        };
    }

    private static Effect EffectOf(CouponTerms coupon)
    {
        Effect effect = coupon.DiscountType switch
        {
            DiscountType.Percentage => new PercentOff(coupon.Percent) { Target = EffectTarget.Order },
            DiscountType.FixedAmount => new AmountOff(coupon.AmountMinor) { Target = EffectTarget.Order },
            DiscountType.FreeSession => new FixedPrice(0)
            {
                Target = EffectTarget.Lines,
                Filter = new LineFilter { Services = coupon.EligibleServices },
                MaxUnits = new UnitLimit(1, null, PerLine: false, UnitPick.Dearest),
            },
            _ => throw new ArgumentOutOfRangeException(nameof(coupon)),
        };
        return effect with { MaxDiscountMinor = coupon.MaxDiscountMinor };
    }

    private static IEnumerable<Condition> ConditionsOf(CouponTerms coupon)
    {
        if (coupon.MinimumOrderMinor > 0)
        {
            yield return new Subtotal(Comparison.AtLeast, coupon.MinimumOrderMinor, Running: false, LineFilter.Any);
        }

        if (coupon.MaximumOrderMinor is { } most)
        {
            yield return new Subtotal(Comparison.AtMost, most, Running: false, LineFilter.Any);
        }

        if (coupon.IsForFirstOrders)
        {
            yield return new NthOrder(1);
        }

        if (coupon.ApplicableTo is "book_a_meeting" or "30_for_30")
        {
            yield return new Contains(new LineFilter { Services = [coupon.ApplicableTo] });
        }

        if (coupon.SessionTypes is { } types)
        {
            yield return new Contains(new LineFilter { SessionTypes = types });
        }

        if (coupon.Consultants is { } consultants)
        {
            var ids = consultants.Select(id => id.ToString(CultureInfo.InvariantCulture));
            yield return new Contains(new LineFilter { Consultants = [.. ids] });
        }
    }

    private static PromotionBudget? BudgetOf(CouponTerms coupon) =>
        coupon.Campaign switch
        {
            { BudgetMinor: { } money } campaign when campaign.BudgetCurrency == coupon.Currency => new PromotionBudget(
                InUses: false,
                money,
                campaign.ClipsBudget ? BudgetOverflow.Clip : BudgetOverflow.Reject
            ),
            { BudgetUses: { } uses } => new PromotionBudget(InUses: true, uses, BudgetOverflow.Reject),
            _ => null,
        };
}
