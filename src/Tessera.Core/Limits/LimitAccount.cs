using System.Security.Cryptography;
using System.Text;

namespace Tessera.Core.Limits;

/// <summary>What an account counts. The names are stored, so they never change.</summary>
public static class AccountKinds
{
    /// <summary>Uses of a coupon (RUL-08, <c>max_uses_total</c>).</summary>
    public const string CouponUses = "coupon_uses";

    /// <summary>Uses of a coupon by one customer (RUL-08, <c>max_uses_per_user</c>).</summary>
    public const string CouponCustomerUses = "coupon_customer_uses";

    /// <summary>Money a campaign may give away (CMP-09).</summary>
    public const string CampaignBudget = "campaign_budget";

    /// <summary>Redemptions a campaign may have (CMP-09).</summary>
    public const string CampaignUses = "campaign_uses";

    /// <summary>The one first order of a customer (RUL-07, <c>first_time_users</c>).</summary>
    public const string FirstOrder = "first_order";

    /// <summary>Uses of a promotion, in all or within a scope: a customer, a period, a channel (RUL-08).</summary>
    public const string PromotionUses = "promotion_uses";

    /// <summary>Money a promotion may give away (CMP-09).</summary>
    public const string PromotionBudget = "promotion_budget";

    /// <summary>A promotion's budget in uses (CMP-09).</summary>
    public const string PromotionBudgetUses = "promotion_budget_uses";

    /// <summary>What is there of an offer (RED-06).</summary>
    public const string PromotionStock = "promotion_stock";

    /// <summary>Units of a coupon that ended unused and are free again (EXP-11).</summary>
    public const string FreedUnits = "freed_units";

    /// <summary>Budget of a campaign that its units had and did not need (EXP-11).</summary>
    public const string FreedBudget = "freed_budget";

    /// <summary>Money of a customer that is kept here (BAL-07).</summary>
    public const string CustomerDeposit = "customer_deposit";
}

/// <summary>One bounded quantity: uses, money, stock. Each use of it is a transfer, each reservation a hold.</summary>
/// <param name="Kind">One of <see cref="AccountKinds"/>.</param>
/// <param name="OwnerId">The coupon or campaign it belongs to.</param>
/// <param name="Subject">The customer, channel or period it is kept for; null when there is one per owner.</param>
/// <param name="Unit"><c>use</c>, or the currency of a budget.</param>
/// <param name="Bound">The most that may stand and be held together; null for no limit.</param>
public sealed record LimitAccount(string Kind, string OwnerId, string? Subject, string Unit, long? Bound)
{
    /// <summary>The unit of counts.</summary>
    public const string Uses = "use";

    /// <summary>
    /// The id follows from kind, owner and subject, so that nobody needs a look-up to find the row: the first 128 bits
    /// of SHA-256 over them.
    /// </summary>
    public Guid Id { get; } = Derive(Kind, OwnerId, Subject);

    /// <summary>Uses of a coupon.</summary>
    public static LimitAccount OfCoupon(long couponId, long? maximum) =>
        new(AccountKinds.CouponUses, Text(couponId), null, Uses, maximum);

    /// <summary>Uses of a coupon by a customer.</summary>
    public static LimitAccount OfCustomer(long couponId, Guid customerId, long maximum) =>
        new(AccountKinds.CouponCustomerUses, Text(couponId), customerId.ToString(), Uses, maximum);

    /// <summary>The money budget of a campaign.</summary>
    public static LimitAccount OfBudget(string campaignId, string currency, long maximumMinor) =>
        new(AccountKinds.CampaignBudget, campaignId, null, currency, maximumMinor);

    /// <summary>The budget of a campaign in uses.</summary>
    public static LimitAccount OfCampaignUses(string campaignId, long maximum) =>
        new(AccountKinds.CampaignUses, campaignId, null, Uses, maximum);

    /// <summary>The one first order of a customer: two coupons for it cannot both be used.</summary>
    public static LimitAccount OfFirstOrder(Guid customerId) =>
        new(AccountKinds.FirstOrder, "customer", customerId.ToString(), Uses, 1);

    /// <summary>Uses of a promotion within a scope; null for all of them.</summary>
    public static LimitAccount OfPromotion(string promotionId, string? scope, long maximum) =>
        new(AccountKinds.PromotionUses, promotionId, scope, Uses, maximum);

    /// <summary>The money budget of a promotion.</summary>
    public static LimitAccount OfPromotionBudget(string promotionId, string currency, long maximumMinor) =>
        new(AccountKinds.PromotionBudget, promotionId, null, currency, maximumMinor);

    /// <summary>The budget of a promotion in uses.</summary>
    public static LimitAccount OfPromotionBudgetUses(string promotionId, long maximum) =>
        new(AccountKinds.PromotionBudgetUses, promotionId, null, Uses, maximum);

    /// <summary>The stock of an offer.</summary>
    public static LimitAccount OfPromotionStock(string promotionId, long stock) =>
        new(AccountKinds.PromotionStock, promotionId, null, Uses, stock);

    /// <summary>Units of a coupon that ended unused.</summary>
    public static LimitAccount OfFreedUnits(long couponId) =>
        new(AccountKinds.FreedUnits, Text(couponId), null, Uses, null);

    /// <summary>Budget that a campaign got back.</summary>
    public static LimitAccount OfFreedBudget(string campaignId, string currency) =>
        new(AccountKinds.FreedBudget, campaignId, currency, currency, null);

    /// <summary>A customer's money in one currency. What is held of it is on its way out.</summary>
    public static LimitAccount OfDeposit(Guid customerId, string currency) =>
        new(AccountKinds.CustomerDeposit, customerId.ToString(), currency, currency, null);

    private static string Text(long id) => id.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static Guid Derive(string kind, string ownerId, string? subject)
    {
        Span<byte> text = stackalloc byte[512];
        var length = Encoding.UTF8.GetBytes(kind, text);
        text[length++] = 0;
        length += Encoding.UTF8.GetBytes(ownerId, text[length..]);
        text[length++] = 0;
        length += Encoding.UTF8.GetBytes(subject ?? "", text[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return new Guid(hash[..16], bigEndian: true);
    }
}
