using Npgsql;
using Tessera.Core.Coupons;
using Tessera.Server.Balances;

namespace Tessera.Server.Redemptions;

/// <summary>The statements that hold rows, and how their rows are read.</summary>
internal static partial class RedemptionStore
{
    private const string AccountsSql =
        "select a.id, a.posted, a.pending from balances.account a where a.id = any($1) order by " + LockOrder.Sql;

    private const string InstancesSql = """
        select i.id, i.valid_until, i.coupon_id, i.customer_id, i.valid_from, i.version, i.state, i.prior_state,
            i.reservation_id, i.reserved_until, false
        from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
        join coupons.instance i on i.valid_until = k.valid_until and i.id = k.id
        order by i.valid_until, i.id
        """;

    /// <summary>
    /// Locks usable units by redeeming them: one visit to each row where looking and then writing would be two. The keys
    /// come sorted and the plan joins them one by one, so rows are locked in the documented order; units that are not
    /// usable follow, and most of those lead to a refusal.
    /// </summary>
    private const string InstancesAheadSql = """
        with ahead as (
            update coupons.instance i set state = 'redeemed', prior_state = i.state, version = i.version + 1
            from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
            where i.valid_until = k.valid_until and i.id = k.id and i.state in ('issued', 'paid', 'extended')
                and i.prior_state is null
            returning i.id, i.valid_until, i.coupon_id, i.customer_id, i.valid_from, i.version - 1 as version,
                coalesce(i.prior_state, i.state) as state
        ), rest as (
            select i.id, i.valid_until, i.coupon_id, i.customer_id, i.valid_from, i.version, i.state, i.prior_state,
                i.reservation_id, i.reserved_until
            from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
            join coupons.instance i on i.valid_until = k.valid_until and i.id = k.id
            where k.id not in (select id from ahead)
            order by i.valid_until, i.id for update of i
        )
        select id, valid_until, coupon_id, customer_id, valid_from, version, state, null, null, null, true from ahead
        union all
        select *, false from rest
        """;

    private const string CouponSql = """
        select id, version, code_kind = 'shared', distribution = 'private', is_active, deleted_at is not null, discount_type,
            discount_percent, discount_minor, currency, max_discount_minor, minimum_order_minor, maximum_order_minor,
            max_uses_total, max_uses_per_user, valid_from, valid_until, applicable_to, consultant_restrictions,
            service_type_restrictions, eligible_services, channels, products is not null, merchant_id, campaign_id
        from coupons.coupon where id = any($1) order by id
        """;

    /// <summary>
    /// The clock, and the coupons an active promotion prices, as they are after the locks: whoever switches one on waits for
    /// its coupon first.
    /// </summary>
    private const string NowSql = """
        select platform.clock(), array(select p.coupon_id from promotions.promotion p
            where p.coupon_id = any($1) and p.deleted_at is null and p.state = 'active')
        """;

    /// <summary>What a code target takes of a coupon.</summary>
    private static string TargetColumns(string coupon) =>
        $"""
            {coupon}.id, {coupon}.campaign_id, {coupon}.distribution = 'private', {coupon}.products is not null,
            {coupon}.max_uses_total, {coupon}.max_uses_per_user, {coupon}.applicable_to = 'first_time_users',
            {coupon}.version, {coupon}.valid_until
            """;

    private static CodeTarget ReadTarget(NpgsqlDataReader row)
    {
        const int Own = 3,
            Fallback = Own + 9;
        return Read(Own) with { Fallback = row.IsDBNull(Fallback) ? null : Read(Fallback) };

        CodeTarget Read(int first) =>
            new(
                row.GetInt64(first),
                first != Own || row.IsDBNull(1) ? null : row.GetInt64(1),
                first != Own || row.IsDBNull(2) ? null : row.GetFieldValue<DateTimeOffset>(2),
                row.IsDBNull(first + 1) ? null : row.GetString(first + 1),
                row.GetBoolean(first + 2),
                row.GetBoolean(first + 3),
                row.IsDBNull(first + 4) ? null : row.GetInt64(first + 4),
                row.GetInt32(first + 5),
                row.GetBoolean(first + 6),
                row.GetInt64(first + 7),
                row.GetFieldValue<DateTimeOffset>(first + 8)
            );
    }

    private static CouponTerms ReadCoupon(NpgsqlDataReader row, Dictionary<string, CampaignTerms> campaigns) =>
        new()
        {
            Id = row.GetInt64(0),
            Version = row.GetInt64(1),
            HasSharedCode = row.GetBoolean(2),
            IsPrivate = row.GetBoolean(3),
            IsActive = row.GetBoolean(4),
            IsDeleted = row.GetBoolean(5),
            DiscountType = row.GetString(6) switch
            {
                "percentage" => DiscountType.Percentage,
                "fixed_amount" => DiscountType.FixedAmount,
                _ => DiscountType.FreeSession,
            },
            Percent = row.IsDBNull(7) ? 0 : row.GetDecimal(7),
            AmountMinor = row.IsDBNull(8) ? 0 : row.GetInt64(8),
            Currency = row.GetString(9),
            MaxDiscountMinor = row.IsDBNull(10) ? null : row.GetInt64(10),
            MinimumOrderMinor = row.GetInt64(11),
            MaximumOrderMinor = row.IsDBNull(12) ? null : row.GetInt64(12),
            MaxUsesTotal = row.IsDBNull(13) ? null : row.GetInt64(13),
            MaxUsesPerUser = row.GetInt32(14),
            ValidFrom = row.GetFieldValue<DateTimeOffset>(15),
            ValidUntil = row.GetFieldValue<DateTimeOffset>(16),
            ApplicableTo = row.GetString(17),
            Consultants = row.IsDBNull(18) ? null : row.GetFieldValue<int[]>(18),
            SessionTypes = row.IsDBNull(19) ? null : row.GetFieldValue<string[]>(19),
            EligibleServices = row.IsDBNull(20) ? null : row.GetFieldValue<string[]>(20),
            Channels = row.IsDBNull(21) ? null : row.GetFieldValue<string[]>(21),
            HasProducts = row.GetBoolean(22),
            MerchantId = row.IsDBNull(23) ? null : row.GetGuid(23),
            Campaign = row.IsDBNull(24) ? null : campaigns.GetValueOrDefault(row.GetString(24)),
        };

    private static CampaignTerms ReadCampaign(NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            row.GetFieldValue<DateTimeOffset>(1),
            row.GetFieldValue<DateTimeOffset>(2),
            row.IsDBNull(3) ? null : row.GetInt64(3),
            row.IsDBNull(4) ? null : row.GetString(4),
            row.IsDBNull(5) ? null : row.GetInt64(5),
            row.GetBoolean(6)
        );

    private static InstanceRow ReadInstance(NpgsqlDataReader row)
    {
        var instance = new InstanceRow
        {
            Id = row.GetInt64(0),
            ValidUntil = row.GetFieldValue<DateTimeOffset>(1),
            CouponId = row.GetInt64(2),
            CustomerId = row.IsDBNull(3) ? null : row.GetGuid(3),
            ValidFrom = row.GetFieldValue<DateTimeOffset>(4),
        };
        var version = row.GetInt64(5);
        var state = InstanceStates.Parse(row.GetString(6));
        if (row.GetBoolean(10))
        {
            instance.LoadAhead(state, version);
        }
        else
        {
            instance.Load(
                state,
                row.IsDBNull(7) ? null : InstanceStates.Parse(row.GetString(7)),
                row.IsDBNull(8) ? null : row.GetGuid(8),
                row.IsDBNull(9) ? null : row.GetFieldValue<DateTimeOffset>(9),
                version
            );
        }

        return instance;
    }
}
