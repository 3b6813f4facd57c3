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

/// <summary>A unit, under its lock where it is to be changed.</summary>
/// <param name="CouponId">Of the definition.</param>
/// <param name="InstanceId">Its id.</param>
/// <param name="Code">Its own; null for a unit of a shared code.</param>
/// <param name="Channel">Where it was given out.</param>
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
    long CouponId,
    long InstanceId,
    string? Code,
    string? Channel,
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

/// <summary>Who overrides, and what of: named in the rows and events it leaves.</summary>
/// <param name="Id">Of the redemption or rollback it makes.</param>
/// <param name="ApprovalId">What allowed it; null for an undo.</param>
/// <param name="RequestedBy">Who asked.</param>
/// <param name="Actor">Who let it happen.</param>
/// <param name="ClientId">Their account or key.</param>
/// <param name="RequestId">Of the request.</param>
/// <param name="Plan">The change of many units it is part of.</param>
/// <param name="IsUndo">Whether it takes that change back.</param>
internal sealed record OverrideDeed(
    Guid Id,
    Guid? ApprovalId,
    string RequestedBy,
    string Actor,
    Guid ClientId,
    string RequestId,
    Guid? Plan = null,
    bool IsUndo = false
)
{
    /// <summary>Of one unit.</summary>
    public static OverrideDeed Of(ApprovedAction action) =>
        new(
            action.Id,
            action.Id,
            action.RequestedBy,
            action.ExecutedBy.Actor,
            action.ExecutedBy.ClientId,
            action.CorrelationId
        );

    /// <summary>What an event of it says, after what happened.</summary>
    public string Payload(params ReadOnlySpan<(string, object?)> facts) =>
        Plan is { } plan
            ? EventLog.Payload([.. facts, ("approval_id", ApprovalId), (IsUndo ? "undo_of" : "bulk_id", plan)])
            : EventLog.Payload([.. facts, ("approval_id", ApprovalId)]);
}

/// <summary>A redemption that stands.</summary>
internal sealed record StandingRedemption(Guid Id, bool ByShared, long OrderMinor, long DiscountMinor, string Currency);

/// <summary>The SQL of status overrides. Rows are locked in the order of the redemptions: units, then accounts by id.</summary>
internal static class StatusOverrideSql
{
    public static readonly Refusal BeyondLimit = new(
        "limit_reached",
        "A limit or budget of the coupon does not have this use any more."
    );

    /// <summary>Reads a unit under its lock.</summary>
    public static async Task<OverriddenInstance?> HoldAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        CancellationToken cancel
    )
    {
        // What the clock has ended is written down first: the override goes on from there, in the row and in the log.
        await EndedUnits.WriteDownAsync(work, [(wanted.CouponId, wanted.InstanceId)], cancel);
        return await ReadAsync(work, [(wanted.CouponId, wanted.InstanceId)], hold: true, cancel) is [{ } held]
            ? held
            : null;
    }

    /// <summary>Reads units in the order in which they are locked; those that are not there are left out.</summary>
    public static async Task<IReadOnlyList<OverriddenInstance>> ReadAsync(
        UnitOfWork work,
        IReadOnlyCollection<(long CouponId, long Id)> units,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            select i.state, i.prior_state, i.customer_id, c.merchant_id, c.campaign_id, i.valid_from, i.valid_until,
                i.version, c.version, c.max_uses_per_user, r.id, r.by_shared_code, r.order_minor, r.discount_minor, r.currency,
                c.max_uses_total, i.coupon_id, i.id, i.code, i.channel
            from unnest($1::bigint[], $2::bigint[]) k (coupon_id, id)
            join coupons.instance i on i.coupon_id = k.coupon_id and i.id = k.id
            join coupons.coupon c on c.id = i.coupon_id
            left join redemptions.redemption r on r.instance_id = i.id and r.rolled_back_at is null
            order by i.valid_until, i.id {(hold ? "for no key update of i" : "")}
            """,
            new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.CouponId)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.Id)] }
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        var read = new List<OverriddenInstance>(units.Count);
        while (await row.ReadAsync(cancel))
        {
            read.Add(Read(row));
        }

        return read;
    }

    /// <summary>Sets the state, with its event.</summary>
    public static async Task SetStateAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        OverriddenInstance held,
        OverrideDeed deed,
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
            deed.Actor,
            deed.Payload(
                ("from", held.State.Name()),
                ("to", wanted.To),
                ("cause", "override"),
                ("override", wanted.Cause),
                ("coupon_id", wanted.CouponId),
                ("requested_by", deed.RequestedBy)
            ),
            deed.RequestId
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
        OverrideDeed deed,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var customer = (recorded.CustomerId ?? held.CustomerId)!.Value;
        var legs = LegsOf(held, recorded);
        await OpenAsync(work, OpenedBy(legs), cancel);
        try
        {
            await PostAsync(work, deed.Id, legs, now, cancel);
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
                deed.Id,
                wanted.CouponId,
                held.CouponVersion,
                wanted.InstanceId,
                held.ValidUntil,
                customer,
                deed.ClientId,
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
        OverrideDeed deed,
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
            [standing.Id, deed.Id, now],
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
                deed.Id,
                standing.DiscountMinor,
                deed.ClientId,
                standing.OrderMinor - standing.DiscountMinor,
            ],
            cancel
        );
        var entry = new EventEntry(
            "redemption",
            standing.Id.ToString(),
            "redemption.rolled_back",
            2,
            deed.Actor,
            deed.Payload(
                ("rollback_id", deed.Id),
                ("discount_minor", standing.DiscountMinor),
                ("currency", standing.Currency),
                ("use_returned", true)
            ),
            deed.RequestId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    /// <summary>
    /// Records a redemption again that was taken back, as it was, and posts the same as it did. The caller holds the accounts and
    /// has seen that it fits.
    /// </summary>
    public static async Task RepeatAsync(
        UnitOfWork work,
        OverriddenInstance held,
        Guid former,
        OverrideDeed deed,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            with posted as (
                select account_ids, amounts from balances.transfer where id = $1
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select $2, 'post', $2, account_ids, amounts, $3 from posted
            )
            update balances.account a set posted = a.posted + leg.amount
            from posted cross join lateral unnest(posted.account_ids, posted.amounts) as leg (id, amount)
            where a.id = leg.id
            """,
            [former, deed.Id, now],
            cancel
        );
        long order;
        long discount;
        await using (
            var insert = work.Command(
                """
                insert into redemptions.redemption (id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code,
                    customer_id, client_id, channel, order_reference, order_minor, discount_minor, currency, valid_from,
                    valid_until, decided_at, idempotency_key)
                select $2, coupon_id, coupon_version, instance_id, instance_end, by_shared_code, customer_id, client_id, channel,
                    order_reference, order_minor, discount_minor, currency, valid_from, valid_until, decided_at, $2
                from redemptions.redemption where id = $1
                returning order_minor, discount_minor
                """,
                former,
                deed.Id
            )
        )
        await using (var row = await insert.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            (order, discount) = (row.GetInt64(0), row.GetInt64(1));
        }

        await CountAsync(work, held.CouponId, 1, order - discount, discount, cancel);
    }

    /// <summary>What was posted for redemptions: accounts and amounts, by redemption.</summary>
    public static async Task<Dictionary<Guid, List<(Guid Account, long Amount)>>> PostedAsync(
        UnitOfWork work,
        IEnumerable<Guid> redemptions,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "select id, account_ids, amounts from balances.transfer where id = any($1)",
            new NpgsqlParameter<Guid[]> { TypedValue = [.. redemptions] }
        );
        var posted = new Dictionary<Guid, List<(Guid, long)>>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            var amounts = row.GetFieldValue<long[]>(2);
            posted[row.GetGuid(0)] = [.. row.GetFieldValue<Guid[]>(1).Select((id, at) => (id, amounts[at]))];
        }

        return posted;
    }

    /// <summary>What a redemption that is recorded counts against.</summary>
    public static List<Leg> LegsOf(OverriddenInstance held, RecordedRedemption recorded)
    {
        var customer = (recorded.CustomerId ?? held.CustomerId)!.Value;
        List<Leg> legs =
        [
            new(LimitAccount.OfCustomer(held.CouponId, customer, held.PerCustomer), 1),
            new(LimitAccount.OfCoupon(held.CouponId, held.Total), 1),
        ];
        if (held.CampaignId is { } campaign)
        {
            legs.Add(new(LimitAccount.OfBudget(campaign, recorded.Discount.Currency, 1), recorded.Discount.Minor));
            legs.Add(new(LimitAccount.OfCampaignUses(campaign, 1), 1));
        }

        legs.RemoveAll(static l => l.Amount == 0);
        return legs;
    }

    /// <summary>The accounts of limits that a use makes where there are none yet; budgets are made with their campaign.</summary>
    public static IEnumerable<LimitAccount> OpenedBy(IEnumerable<Leg> legs) =>
        legs.Select(static l => l.Account)
            .Where(static a =>
                a is { Kind: AccountKinds.CouponCustomerUses } or { Kind: AccountKinds.CouponUses, Bound: not null }
            );

    /// <summary>Makes accounts that are not there.</summary>
    public static Task OpenAsync(UnitOfWork work, IEnumerable<LimitAccount> accounts, CancellationToken cancel)
    {
        var ordered = accounts.DistinctBy(static a => a.Id).OrderBy(static a => a, LockOrder.Comparer).ToList();
        return work.ExecuteAsync(
            """
            insert into balances.account (id, kind, owner_id, subject, unit, bound)
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
            on conflict (id) do nothing
            """,
            [
                Column(ordered, static a => a.Id),
                Column(ordered, static a => a.Kind),
                Column(ordered, static a => a.OwnerId),
                Column(ordered, static a => a.Subject),
                Column(ordered, static a => a.Unit),
                Column(ordered, static a => a.Bound),
            ],
            cancel
        );
    }

    /// <summary>What may still be used of accounts, and what bounds them; those that are not there are left out.</summary>
    public static async Task<Dictionary<Guid, (long? Bound, long Posted, long Pending)>> StandingAsync(
        UnitOfWork work,
        IEnumerable<Guid> accounts,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select a.id, a.bound, a.posted, a.pending from balances.account a where a.id = any($1)
            order by {LockOrder.Sql} {(hold ? "for no key update" : "")}
            """,
            new NpgsqlParameter<Guid[]> { TypedValue = [.. accounts.Distinct()] }
        );
        var standing = new Dictionary<Guid, (long?, long, long)>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            standing[row.GetGuid(0)] = (row.Value<long>(1), row.GetInt64(2), row.GetInt64(3));
        }

        return standing;
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

    private static OverriddenInstance Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(16),
            row.GetInt64(17),
            row.Object<string>(18),
            row.Object<string>(19),
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
                ? new StandingRedemption(id, row.GetBoolean(11), row.GetInt64(12), row.GetInt64(13), row.GetString(14))
                : null
        );

    private static NpgsqlParameter<TValue[]> Column<TValue>(
        List<LimitAccount> accounts,
        Func<LimitAccount, TValue> value
    ) => new() { TypedValue = [.. accounts.Select(value)] };

    private static NpgsqlParameter Nullable(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
