using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Approvals;
using Tessera.Server.Balances;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Operations;

/// <summary>A unit under its lock.</summary>
/// <param name="State">As stored.</param>
/// <param name="Prior">Where an undone redemption leads back to.</param>
/// <param name="CustomerId">The holder.</param>
/// <param name="MerchantId">Who offers it.</param>
/// <param name="CampaignId">Its campaign.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after it.</param>
/// <param name="Version">Counts its transitions.</param>
/// <param name="CouponVersion">Of the definition.</param>
/// <param name="PerCustomer">Uses a customer may have of the coupon.</param>
/// <param name="Total">Uses the coupon may have; null for any number.</param>
/// <param name="Standing">The redemption that stands.</param>
internal sealed record OverriddenInstance(
    InstanceState State,
    InstanceState? Prior,
    Guid? CustomerId,
    Guid? MerchantId,
    string? CampaignId,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    long Version,
    long CouponVersion,
    int PerCustomer,
    int? Total,
    StandingRedemption? Standing
);

/// <summary>A redemption that stands.</summary>
internal sealed record StandingRedemption(Guid Id, bool ByShared, long OrderMinor, long DiscountMinor, string Currency);

/// <summary>The SQL of status overrides. Rows are locked in the order of the redemptions: units, then accounts by id.</summary>
internal static class StatusOverrideSql
{
    public static readonly Refusal BeyondLimit = new(
        "limit_reached",
        "A limit or budget of the coupon does not have this use any more."
    );

    public static async Task<OverriddenInstance?> HoldAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        CancellationToken cancel
    )
    {
        // What the clock has ended is written down first: the override goes on from there, in the row and in the log.
        await EndedUnits.WriteDownAsync(work, wanted.CouponId, wanted.InstanceId, cancel);
        await using var command = work.Command(
            """
            select i.state, i.prior_state, i.customer_id, c.merchant_id, c.campaign_id, i.valid_from, i.valid_until,
                i.version, c.version, c.max_uses_per_user, r.id, r.by_shared_code, r.order_minor, r.discount_minor, r.currency,
                c.max_uses_total
            from coupons.instance i join coupons.coupon c on c.id = i.coupon_id
            left join redemptions.redemption r on r.instance_id = i.id and r.rolled_back_at is null
            where i.coupon_id = $1 and i.id = $2
            for no key update of i
            """,
            wanted.CouponId,
            wanted.InstanceId
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new OverriddenInstance(
                InstanceStates.Parse(row.GetString(0)),
                row.Object<string>(1) is { } prior ? InstanceStates.Parse(prior) : null,
                row.Value<Guid>(2),
                row.Value<Guid>(3),
                row.Object<string>(4),
                row.GetFieldValue<DateTimeOffset>(5),
                row.GetFieldValue<DateTimeOffset>(6),
                row.GetInt64(7),
                row.GetInt64(8),
                row.GetInt32(9),
                row.Value<int>(15),
                row.Value<Guid>(10) is { } id
                    ? new StandingRedemption(
                        id,
                        row.GetBoolean(11),
                        row.GetInt64(12),
                        row.GetInt64(13),
                        row.GetString(14)
                    )
                    : null
            )
            : null;
    }

    /// <summary>Sets the state, with its event.</summary>
    public static async Task SetStateAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        OverriddenInstance held,
        ApprovedAction action,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            update coupons.instance set state = $3, version = version + 1,
                prior_state = case when $3 = 'redeemed' then $4 end,
                customer_id = coalesce(customer_id, $5)
            where id = $1 and valid_until = $2
            """,
            [wanted.InstanceId, held.ValidUntil, wanted.To, held.State.Name(), Nullable(wanted.Redemption?.CustomerId)],
            cancel
        );
        var entry = new EventEntry(
            "instance",
            wanted.InstanceId.ToString(CultureInfo.InvariantCulture),
            "coupon.state_changed",
            held.Version + 1,
            action.ExecutedBy.Actor,
            EventLog.Payload(
                ("from", held.State.Name()),
                ("to", wanted.To),
                ("cause", "override"),
                ("override", wanted.Cause),
                ("coupon_id", wanted.CouponId),
                ("approval_id", action.Id),
                ("requested_by", action.RequestedBy)
            ),
            action.CorrelationId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    /// <summary>Records a redemption that took place, and posts it to the accounts it counts against.</summary>
    /// <returns>Why not; null when it was written.</returns>
    public static async Task<Refusal?> RecordAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        OverriddenInstance held,
        RecordedRedemption recorded,
        ApprovedAction action,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var customer = (recorded.CustomerId ?? held.CustomerId)!.Value;
        var own = LimitAccount.OfCustomer(wanted.CouponId, customer, held.PerCustomer);
        var all = LimitAccount.OfCoupon(wanted.CouponId, held.Total);
        foreach (var account in held.Total is null ? [own] : (LimitAccount[])[own, all])
        {
            await work.ExecuteAsync(
                """
                insert into balances.account (id, kind, owner_id, subject, unit, bound) values ($1, $2, $3, $4, $5, $6)
                on conflict (id) do nothing
                """,
                [account.Id, account.Kind, account.OwnerId, account.Subject, account.Unit, account.Bound],
                cancel
            );
        }

        List<Leg> legs = [new(own, 1), new(all, 1)];
        if (held.CampaignId is { } campaign)
        {
            legs.Add(new(LimitAccount.OfBudget(campaign, recorded.Discount.Currency, 1), recorded.Discount.Minor));
            legs.Add(new(LimitAccount.OfCampaignUses(campaign, 1), 1));
        }

        legs.RemoveAll(static l => l.Amount == 0);
        try
        {
            await PostAsync(work, action.Id, legs, now, cancel);
        }
        catch (PostgresException error) when (error.ConstraintName == "never_beyond_the_bound")
        {
            // The caller undoes the transaction with the refusal; the bound is the database's to keep.
            return BeyondLimit;
        }

        await work.ExecuteAsync(
            """
            insert into redemptions.redemption (id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code,
                customer_id, client_id, order_reference, order_minor, discount_minor, currency, valid_from, valid_until,
                decided_at, idempotency_key)
            values ($1, $2, $3, $4, $5, false, $6, $7, $8, $9, $10, $11, $12, $5, $13, $1)
            """,
            [
                action.Id,
                wanted.CouponId,
                held.CouponVersion,
                wanted.InstanceId,
                held.ValidUntil,
                customer,
                action.ExecutedBy.ClientId,
                recorded.OrderReference,
                recorded.Order.Minor,
                recorded.Discount.Minor,
                recorded.Order.Currency,
                held.ValidFrom,
                recorded.RedeemedAt,
            ],
            cancel
        );
        var revenue = recorded.Order.Minor - recorded.Discount.Minor;
        await CountAsync(work, wanted.CouponId, 1, revenue, recorded.Discount.Minor, cancel);
        return null;
    }

    /// <summary>Takes the standing redemption back, with all that was posted for it.</summary>
    public static async Task ReverseAsync(
        UnitOfWork work,
        OverriddenInstance held,
        ApprovedAction action,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var standing = held.Standing!;
        await work.ExecuteAsync(
            $"""
            select a.id from balances.account a
            where a.id in (select unnest(account_ids) from balances.transfer where id = $1)
            order by {LockOrder.Sql} for no key update
            """,
            [standing.Id],
            cancel
        );
        await work.ExecuteAsync(
            """
            with posted as (
                select t.account_ids, t.amounts from balances.transfer t where t.id = $1
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select $2, 'reverse', $1, account_ids, (select array_agg(-a order by place)
                    from unnest(amounts) with ordinality as each (a, place)), $3
                from posted where cardinality(account_ids) > 0
            )
            update balances.account a set posted = a.posted - leg.amount
            from posted cross join lateral unnest(posted.account_ids, posted.amounts) as leg (id, amount)
            where a.id = leg.id
            """,
            [standing.Id, action.Id, now],
            cancel
        );
        await work.ExecuteAsync(
            """
            with stamped as (
                update redemptions.redemption set rolled_back_at = $2 where id = $1 returning coupon_id
            ), undone as (
                insert into redemptions.rollback (id, redemption_id, discount_minor, use_returned, reason, client_id, at)
                values ($3, $1, $4, true, 'override', $5, $2)
            )
            update coupons.usage u set redeemed_count = redeemed_count - 1, revenue_minor = revenue_minor - $6,
                discount_minor = discount_minor - $4
            from stamped
            where u.coupon_id = stamped.coupon_id
                and u.shard = (select min(shard) from coupons.usage where coupon_id = stamped.coupon_id)
            """,
            [
                standing.Id,
                now,
                action.Id,
                standing.DiscountMinor,
                action.ExecutedBy.ClientId,
                standing.OrderMinor - standing.DiscountMinor,
            ],
            cancel
        );
        var entry = new EventEntry(
            "redemption",
            standing.Id.ToString(),
            "redemption.rolled_back",
            2,
            action.ExecutedBy.Actor,
            EventLog.Payload(
                ("rollback_id", action.Id),
                ("approval_id", action.Id),
                ("discount_minor", standing.DiscountMinor),
                ("currency", standing.Currency),
                ("use_returned", true)
            ),
            action.CorrelationId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    /// <summary>Posts to those accounts that exist: what has none is not limited.</summary>
    private static async Task PostAsync(
        UnitOfWork work,
        Guid id,
        List<Leg> legs,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        Guid[] accounts = [.. legs.Select(static l => l.Account.Id)];
        await work.ExecuteAsync(
            $"select a.id from balances.account a where a.id = any($1) order by {LockOrder.Sql} for no key update",
            [accounts],
            cancel
        );
        await work.ExecuteAsync(
            """
            with leg as (
                select l.id, l.amount from unnest($2::uuid[], $3::bigint[]) as l (id, amount)
                join balances.account a on a.id = l.id
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select $1, 'post', $1, coalesce(array_agg(id), '{}'), coalesce(array_agg(amount), '{}'), $4 from leg
            )
            update balances.account a set posted = a.posted + leg.amount from leg where a.id = leg.id
            """,
            [id, accounts, legs.Select(static l => l.Amount).ToArray(), now],
            cancel
        );
    }

    private static Task CountAsync(
        UnitOfWork work,
        long coupon,
        int uses,
        long revenue,
        long discount,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            insert into coupons.usage as u (coupon_id, shard, redeemed_count, revenue_minor, discount_minor)
            values ($1, 0, $2, $3, $4)
            on conflict (coupon_id, shard) do update set redeemed_count = u.redeemed_count + excluded.redeemed_count,
                revenue_minor = u.revenue_minor + excluded.revenue_minor,
                discount_minor = u.discount_minor + excluded.discount_minor
            """,
            [coupon, uses, revenue, discount],
            cancel
        );

    private static NpgsqlParameter Nullable(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
