using Npgsql;
using Tessera.Core;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Platform;

namespace Tessera.Server.Operations;

/// <summary>
/// The SQL of the redemptions behind overrides: recorded, taken back and recorded again, with their postings and the use of the
/// coupon. The caller holds the units; accounts are locked after them, in their order.
/// </summary>
internal static class OverrideRedemptions
{
    public static readonly Refusal BeyondLimit = new(
        "limit_reached",
        "A limit or budget of the coupon does not have this use any more."
    );

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
            var transfer = new Transfer(
                deed.Id,
                "post",
                deed.Id,
                [.. legs.Select(static l => l.Account.Id)],
                [.. legs.Select(static l => l.Amount)]
            );
            await AccountStore.MoveAsync(work, transfer, now, cancel);
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
        if ((await PostedAsync(work, [standing.Id], cancel)).GetValueOrDefault(standing.Id) is { Count: > 0 } posted)
        {
            var transfer = new Transfer(
                deed.Id,
                "reverse",
                standing.Id,
                [.. posted.Select(static l => l.Account)],
                [.. posted.Select(static l => -l.Amount)]
            );
            await AccountStore.MoveAsync(work, transfer, now, cancel);
        }

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
        var posted = (await PostedAsync(work, [former], cancel)).GetValueOrDefault(former) ?? [];
        var transfer = new Transfer(
            deed.Id,
            "post",
            deed.Id,
            [.. posted.Select(static l => l.Account)],
            [.. posted.Select(static l => l.Amount)]
        );
        await AccountStore.MoveAsync(work, transfer, now, cancel);
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

    private static NpgsqlParameter<TValue[]> Column<TValue>(
        List<LimitAccount> accounts,
        Func<LimitAccount, TValue> value
    ) => new() { TypedValue = [.. accounts.Select(value)] };
}
