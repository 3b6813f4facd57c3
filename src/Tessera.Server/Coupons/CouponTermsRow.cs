using Npgsql;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>The terms of a coupon and of its campaign, as a decision needs them, from one row.</summary>
internal static class CouponTermsRow
{
    /// <summary>The columns <see cref="Read"/> takes, of aliases <c>c</c> (coupon) and <c>g</c> (campaign).</summary>
    public const string Columns = """
        c.id, c.version, c.code_kind = 'shared', c.distribution = 'private', c.is_active, c.deleted_at is not null,
        c.discount_type, c.discount_percent, c.discount_minor, c.currency, c.max_discount_minor, c.minimum_order_minor,
        c.maximum_order_minor, c.max_uses_total, c.max_uses_per_user, c.valid_from, c.valid_until, c.applicable_to,
        c.consultant_restrictions, c.service_type_restrictions, c.eligible_services, c.channels, c.products is not null,
        c.merchant_id, g.id, g.start_at, g.end_at, g.budget_minor, g.budget_currency, g.budget_uses,
        g.budget_on_overflow = 'clip', c.stacking = 'exclusive', c.stacking_groups, c.apply_order
        """;

    /// <summary>
    /// Beside which others the coupons <c>$1</c> are used, where they say so: the id, and what <see cref="ReadStacking"/> takes.
    /// Who decides on carts asks for it apart, so that single codes do not pay for it.
    /// </summary>
    public const string StackingSql = """
        select id, stacking = 'exclusive', stacking_groups, apply_order from coupons.coupon
        where id = any($1) and (stacking = 'exclusive' or stacking_groups is not null or apply_order is not null)
        """;

    /// <summary>Reads the terms from a row, beginning at a place.</summary>
    public static CouponTerms Read(NpgsqlDataReader row, int first) =>
        new()
        {
            Id = row.GetInt64(first),
            Version = row.GetInt64(first + 1),
            HasSharedCode = row.GetBoolean(first + 2),
            IsPrivate = row.GetBoolean(first + 3),
            IsActive = row.GetBoolean(first + 4),
            IsDeleted = row.GetBoolean(first + 5),
            DiscountType = row.GetString(first + 6) switch
            {
                "percentage" => DiscountType.Percentage,
                "fixed_amount" => DiscountType.FixedAmount,
                _ => DiscountType.FreeSession,
            },
            Percent = row.Value<decimal>(first + 7) ?? 0,
            AmountMinor = row.Value<long>(first + 8) ?? 0,
            Currency = row.GetString(first + 9),
            MaxDiscountMinor = row.Value<long>(first + 10),
            MinimumOrderMinor = row.GetInt64(first + 11),
            MaximumOrderMinor = row.Value<long>(first + 12),
            MaxUsesTotal = row.Value<long>(first + 13),
            MaxUsesPerUser = row.GetInt32(first + 14),
            ValidFrom = row.GetFieldValue<DateTimeOffset>(first + 15),
            ValidUntil = row.GetFieldValue<DateTimeOffset>(first + 16),
            ApplicableTo = row.GetString(first + 17),
            Consultants = row.Object<int[]>(first + 18),
            SessionTypes = row.Object<string[]>(first + 19),
            EligibleServices = row.Object<string[]>(first + 20),
            Channels = row.Object<string[]>(first + 21),
            HasProducts = row.GetBoolean(first + 22),
            MerchantId = row.Value<Guid>(first + 23),
            Campaign = row.Object<string>(first + 24) is { } campaign
                ? new CampaignTerms(
                    campaign,
                    row.GetFieldValue<DateTimeOffset>(first + 25),
                    row.GetFieldValue<DateTimeOffset>(first + 26),
                    row.Value<long>(first + 27),
                    row.Object<string>(first + 28),
                    row.Value<long>(first + 29),
                    row.GetBoolean(first + 30)
                )
                : null,
            Stacking = ReadStacking(row, first + 31),
        };

    /// <summary>Reads beside which others a coupon is used, beginning at a place.</summary>
    public static Stacking ReadStacking(NpgsqlDataReader row, int first) =>
        new(row.GetBoolean(first), row.Object<string[]>(first + 1) ?? [], row.Value<int>(first + 2));
}
