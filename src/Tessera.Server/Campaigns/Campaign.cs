using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Campaigns;

/// <summary>Where the customers of a campaign come from (CMP-02).</summary>
/// <param name="UtmSource">For example newsletter.</param>
/// <param name="UtmMedium">For example email.</param>
/// <param name="UtmCampaign">Its name in web analytics.</param>
/// <param name="MarketingChannel">One of email, social, paid_ads, organic.</param>
internal sealed record Attribution(string? UtmSource, string? UtmMedium, string? UtmCampaign, string? MarketingChannel);

/// <summary>A campaign, as written (A.12).</summary>
/// <param name="Id">The deployment's own key; made here unless given; cannot change.</param>
/// <param name="Name">For people; 1 to 200 characters.</param>
/// <param name="Description">For people.</param>
/// <param name="StartDate">First instant; a date stands for its start in the campaign's zone.</param>
/// <param name="EndDate">First instant after it; a date stands for the whole of that day; null for no end.</param>
/// <param name="TimeZone">IANA name; UTC unless given.</param>
/// <param name="MerchantId">Whose campaign it is; null for the deployment's; cannot change.</param>
/// <param name="Attribution">Where its customers come from.</param>
/// <param name="Budget">The most its discounts may come to, counted from when it is set; null for no limit.</param>
/// <param name="BudgetUses">The most redemptions it may have, counted likewise; null for no limit.</param>
/// <param name="BudgetOnOverflow">reject refuses a discount the budget does not hold, clip cuts it to what is left; reject unless given.</param>
internal sealed record CampaignWanted(
    string? Id,
    string Name,
    string Description,
    DateTimeOffset StartDate,
    DateTimeOffset? EndDate,
    string TimeZone,
    Guid? MerchantId,
    Attribution Attribution,
    Money? Budget,
    long? BudgetUses,
    string BudgetOnOverflow = "reject"
);

/// <summary>A coupon of a campaign.</summary>
/// <param name="CouponId">Its id.</param>
/// <param name="Code">Its code.</param>
/// <param name="Role">primary, secondary or fallback; null when none was given.</param>
internal sealed record AssociatedCoupon(long CouponId, string Code, string? Role);

/// <summary>Coupons with one purpose, and the most they may give away (A.12, CMP-01, CMP-09).</summary>
/// <param name="Id">The deployment's own key, or a UUIDv7.</param>
/// <param name="Name">For people.</param>
/// <param name="Description">For people.</param>
/// <param name="Status">scheduled, active or ended, by the database clock.</param>
/// <param name="StartDate">First instant.</param>
/// <param name="EndDate">First instant after it; null for no end.</param>
/// <param name="TimeZone">IANA name.</param>
/// <param name="MerchantId">Whose it is; null for the deployment's.</param>
/// <param name="Attribution">Where its customers come from.</param>
/// <param name="Budget">The most its discounts may come to; null for no limit.</param>
/// <param name="BudgetSpent">What of it is spent or held; null without a budget.</param>
/// <param name="BudgetUses">The most redemptions it may have; null for no limit.</param>
/// <param name="BudgetUsesSpent">What of them is used or held; null without a limit.</param>
/// <param name="BudgetOnOverflow">reject or clip: what becomes of a discount the budget does not hold.</param>
/// <param name="AssociatedCoupons">The first 100 of its coupons, primary ones first; only where one campaign is read.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="BudgetHeld">What of <paramref name="BudgetSpent"/> is held for a checkout.</param>
/// <param name="BudgetUsesHeld">What of <paramref name="BudgetUsesSpent"/> is held for a checkout.</param>
internal sealed record Campaign(
    string Id,
    string Name,
    string Description,
    string Status,
    DateTimeOffset StartDate,
    DateTimeOffset? EndDate,
    string TimeZone,
    Guid? MerchantId,
    Attribution Attribution,
    Money? Budget,
    [property: Guarded(Permissions.FinanceRead)] Money? BudgetSpent,
    long? BudgetUses,
    long? BudgetUsesSpent,
    string BudgetOnOverflow,
    IReadOnlyList<AssociatedCoupon>? AssociatedCoupons,
    int Version,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    [property: Guarded(Permissions.FinanceRead)] Money? BudgetHeld = null,
    long? BudgetUsesHeld = null
)
{
    /// <summary>The columns <see cref="Read"/> takes, of alias <c>c</c>.</summary>
    public const string Columns = """
        c.id, c.name, c.description, case when c.end_at <= platform.clock() then 'ended'
            when c.start_at > platform.clock() then 'scheduled' else 'active' end,
        c.start_at, c.end_at, c.time_zone, c.merchant_id, c.utm_source, c.utm_medium, c.utm_campaign, c.marketing_channel,
        c.budget_minor, c.budget_currency, c.budget_uses, c.version, c.created_by, c.created_at,
        c.budget_on_overflow
        """;

    public static Campaign Read(NpgsqlDataReader row)
    {
        var end = row.GetFieldValue<DateTimeOffset>(5);
        return new Campaign(
            row.GetString(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetFieldValue<DateTimeOffset>(4),
            end == DateTimeOffset.MaxValue ? null : end,
            row.GetString(6),
            row.Value<Guid>(7),
            new Attribution(
                row.Object<string>(8),
                row.Object<string>(9),
                row.Object<string>(10),
                row.Object<string>(11)
            ),
            row.Value<long>(12) is { } minor ? new Money(minor, row.GetString(13)) : null,
            null,
            row.Value<long>(14),
            null,
            row.GetString(18),
            null,
            row.GetInt32(15),
            row.GetString(16),
            row.GetFieldValue<DateTimeOffset>(17)
        );
    }
}
