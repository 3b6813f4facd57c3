namespace Tessera.Server.Redemptions;

/// <summary>
/// Who gets a redemption (CMP-04), as pieces of SQL that figures and the rows they are made of share: the coupon it used by
/// last touch, the first coupon its customer ever used by first touch.
/// </summary>
internal static class Touches
{
    /// <summary>The coupon of a customer's first redemption that stands, as <c>coupon_id</c>.</summary>
    /// <param name="customer">The customer's column.</param>
    /// <param name="merchant">The merchant whose coupons alone count, as a parameter or a literal; null for all.</param>
    public static string First(string customer, string merchant) =>
        $"""
            select o.coupon_id from redemptions.redemption o
            join coupons.coupon oc on oc.id = o.coupon_id and ({merchant}::uuid is null or oc.merchant_id = {merchant})
            where o.customer_id = {customer} and o.rolled_back_at is null order by o.decided_at, o.id limit 1
            """;

    /// <summary>The marketing channel of a campaign; empty for none.</summary>
    public static string MarketingChannel(string campaign) => $"coalesce({campaign}.marketing_channel, '')";

    /// <summary>The source of a coupon, or else of its campaign; empty for none.</summary>
    public static string UtmSource(string coupon, string campaign) =>
        $"coalesce(nullif({coupon}.utm_source, ''), nullif({campaign}.utm_source, ''), '')";
}
