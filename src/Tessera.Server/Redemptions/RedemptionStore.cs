using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Coupons;

namespace Tessera.Server.Redemptions;

/// <summary>The contested SQL of the room: resolving, holding. Writing is in the other part.</summary>
internal static partial class RedemptionStore
{
    /// <summary>Reads what the commands name, without a lock: kept answers, codes, customers, reservations.</summary>
    public static async Task<Resolution> ResolveAsync(
        NpgsqlConnection connection,
        IReadOnlyList<RedemptionCommand> commands,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        var attempts = commands.OfType<AttemptCommand>().ToArray();
        Add(
            batch,
            "select key, request_hash, status, location, body from platform.idempotency where key = any($1)",
            Uuids(commands.Select(c => c.Asker.KeyHash))
        );
        Add(
            batch,
            $"""
            select m.code, m.instance_id, m.valid_until, {TargetColumns("c")}, {TargetColumns("f")}
            from coupons.code m join coupons.coupon c on c.id = m.coupon_id
            {Fallbacks.JoinSql}
            where m.code = any($1)
            """,
            new NpgsqlParameter<string[]> { TypedValue = [.. attempts.Select(a => a.Code).Distinct()] }
        );
        Add(
            batch,
            "select id, blocked_at is not null from access.customer where id = any($1)",
            Uuids(attempts.Select(a => a.CustomerId).Distinct())
        );
        Add(
            batch,
            """
            select r.id, r.coupon_id, r.instance_id, r.instance_end, r.customer_id, c.merchant_id, r.expires_at, r.ending,
                r.by_shared_code, r.account_ids, s.coupon_id, s.reason
            from redemptions.reservation r join coupons.coupon c on c.id = r.coupon_id
            left join redemptions.stand_in s on s.attempt_id = r.id
            where r.id = any($1)
            """,
            Uuids(
                commands
                    .Select(c => c is ReleaseCommand r ? r.ReservationId : (c as AttemptCommand)?.ReservationId)
                    .OfType<Guid>()
            )
        );
        Add(
            batch,
            """
            select r.id, r.coupon_id, r.instance_id, r.valid_until, r.customer_id, c.merchant_id, r.order_minor,
                r.discount_minor, r.currency, r.decided_at, r.rolled_back_at, t.account_ids, t.amounts, r.instance_end,
                r.by_shared_code, r.order_reference, r.valid_until,
                array(select a.unit = 'use' from unnest(t.account_ids) with ordinality l (id, place)
                    join balances.account a on a.id = l.id order by l.place)
            from redemptions.redemption r
            join coupons.coupon c on c.id = r.coupon_id
            join balances.transfer t on t.id = r.id
            where r.id = any($1)
            """,
            Uuids(commands.OfType<RollBackCommand>().Select(c => c.RedemptionId))
        );

        var found = new Resolution();
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var location = rows.IsDBNull(3) ? null : rows.GetString(3);
            var answer = new Answer(rows.GetInt16(2), rows.GetFieldValue<byte[]>(4), location, Replayed: true);
            found.Kept[rows.GetGuid(0)] = new KeptAnswer(rows.GetGuid(1), answer);
        }

        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Codes[rows.GetString(0)] = ReadTarget(rows);
        }

        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Customers.Add(rows.GetGuid(0));
            if (rows.GetBoolean(1))
            {
                found.Blocked.Add(rows.GetGuid(0));
            }
        }

        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Reservations[rows.GetGuid(0)] = new ReservationRow(
                rows.GetGuid(0),
                rows.GetInt64(1),
                rows.GetInt64(2),
                rows.GetFieldValue<DateTimeOffset>(3),
                rows.GetGuid(4),
                rows.IsDBNull(5) ? null : rows.GetGuid(5),
                rows.GetFieldValue<DateTimeOffset>(6),
                rows.IsDBNull(7) ? null : rows.GetString(7),
                rows.GetFieldValue<Guid[]>(9),
                rows.GetBoolean(8),
                rows.IsDBNull(10) ? null : new StoodInFor(rows.GetInt64(10), rows.GetString(11))
            );
        }

        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Redemptions[rows.GetGuid(0)] = new RedemptionRow(
                rows.GetGuid(0),
                rows.GetInt64(1),
                rows.GetInt64(2),
                rows.GetFieldValue<DateTimeOffset>(13),
                rows.GetGuid(4),
                rows.IsDBNull(5) ? null : rows.GetGuid(5),
                rows.GetInt64(6),
                rows.GetInt64(7),
                rows.GetString(8),
                rows.GetFieldValue<DateTimeOffset>(9),
                rows.IsDBNull(10) ? null : rows.GetFieldValue<DateTimeOffset>(10),
                rows.GetFieldValue<Guid[]>(11),
                rows.GetFieldValue<long[]>(12),
                rows.GetBoolean(14),
                rows.GetString(15),
                rows.GetFieldValue<DateTimeOffset>(16),
                rows.GetFieldValue<bool[]>(17)
            );
        }

        return found;
    }

    /// <summary>
    /// Locks what the batch decides on, in the one documented order (campaigns, coupons, instances by end and id,
    /// accounts, campaign accounts), and then reads the clock in a statement of its own.
    /// </summary>
    /// <param name="connection">Outside a transaction; inside one afterwards.</param>
    /// <param name="plan">What to lock.</param>
    /// <param name="withLocks">False for a validation, which reads the same without holding it.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<Hold> HoldAsync(
        NpgsqlConnection connection,
        HoldPlan plan,
        bool withLocks,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        var share = withLocks ? " for share" : "";
        var update = withLocks ? " for update" : "";
        var readers = new List<Func<NpgsqlDataReader, Task>>();
        var hold = new Hold();
        var campaigns = new Dictionary<string, CampaignTerms>(StringComparer.Ordinal);

        Statement("begin", null);
        if (plan.Campaigns.Count > 0)
        {
            Statement(
                "select id, start_at, end_at, budget_minor, budget_currency, budget_uses, budget_on_overflow = 'clip' "
                    + "from campaigns.campaign where id = any($1) order by id"
                    + share,
                row => campaigns[row.GetString(0)] = ReadCampaign(row),
                new NpgsqlParameter<string[]> { TypedValue = [.. plan.Campaigns] }
            );
        }

        Statement(
            CouponSql + share,
            row =>
            {
                var coupon = ReadCoupon(row, campaigns);
                hold.Coupons[coupon.Id] = coupon;
            },
            Bigints(plan.Coupons)
        );

        var ahead = withLocks && plan.IsAhead;
        if (plan.Instances.Count > 0)
        {
            Statement(
                ahead ? InstancesAheadSql
                    : withLocks ? InstancesSql + " for update of i"
                    : InstancesSql,
                row =>
                {
                    var instance = ReadInstance(row);
                    hold.Instances[instance.Id] = instance;
                },
                Ends(plan.Instances),
                Bigints(plan.Instances.Select(static k => k.Id))
            );
        }

        if (ahead)
        {
            var uses = plan.UsesAhead.Values.OrderBy(static u => u.Account, LockOrder.Comparer).ToList();
            if (uses.Count > 0)
            {
                Statement(
                    AccountStore.UseAheadSql,
                    row =>
                    {
                        var id = row.GetGuid(0);
                        var count = row.GetBoolean(3) ? plan.UsesAhead[id].Count : 0;
                        hold.Book.Load(id, row.GetInt64(1), row.GetInt64(2), count);
                    },
                    [.. AccountStore.UsesAhead(uses.ConvertAll(static u => (u.Account, u.Count)))]
                );
            }
        }
        else
        {
            if (withLocks && plan.Opened.Count > 0)
            {
                var opened = plan.Opened.Values.Order(LockOrder.Comparer).ToList();
                Statement(AccountStore.OpenSql, null, [.. AccountStore.Opened(opened)]);
            }

            AccountStatement(plan.Accounts);
        }

        if (plan.CampaignAccounts.Count > 0)
        {
            AccountStatement(plan.CampaignAccounts);
        }

        if (plan.Audience.Count > 0)
        {
            Statement(
                """
                select a.campaign_id, a.customer_id from campaigns.audience a
                join unnest($1::text[], $2::uuid[]) as q (campaign_id, customer_id) using (campaign_id, customer_id)
                """,
                row => hold.Audience.Add((row.GetString(0), row.GetGuid(1))),
                new NpgsqlParameter<string[]> { TypedValue = [.. plan.Audience.Select(a => a.Campaign)] },
                Uuids(plan.Audience.Select(a => a.Customer))
            );
        }

        if (plan.FirstOrders.Count > 0)
        {
            Statement(
                "select distinct customer_id from redemptions.redemption where customer_id = any($1) and rolled_back_at is null",
                row => hold.CustomersWithOrders.Add(row.GetGuid(0)),
                Uuids(plan.FirstOrders)
            );
        }

        if (plan.Orders.Count > 0)
        {
            Statement(
                """
                select r.coupon_id, coalesce(r.channel, ''), r.order_reference
                from unnest($1::bigint[], $2::text[], $3::text[]) k (coupon_id, channel, order_reference)
                join redemptions.redemption r on r.coupon_id = k.coupon_id and coalesce(r.channel, '') = k.channel
                    and r.order_reference = k.order_reference
                where r.by_shared_code and r.rolled_back_at is null
                """,
                row => hold.UsedOrders.Add((row.GetInt64(0), row.GetString(1), row.GetString(2))),
                Bigints(plan.Orders.Select(static o => o.Coupon)),
                new NpgsqlParameter<string[]> { TypedValue = [.. plan.Orders.Select(static o => o.Channel)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. plan.Orders.Select(static o => o.Reference)] }
            );
        }

        foreach (var (place, coupon, products) in plan.Products)
        {
            Statement(
                "select exists (select from coupons.coupon where id = $1 and products && $2)",
                row =>
                {
                    if (row.GetBoolean(0))
                    {
                        hold.WithProducts.Add((place, coupon));
                    }
                },
                new NpgsqlParameter<long> { TypedValue = coupon },
                new NpgsqlParameter<string[]> { TypedValue = products }
            );
        }

        Statement(
            NowSql,
            row =>
            {
                hold.Now = row.GetFieldValue<DateTimeOffset>(0);
                hold.NeedCarts.UnionWith(row.GetFieldValue<long[]>(1));
            },
            Bigints(plan.Coupons)
        );

        await using var rows = await batch.ExecuteReaderAsync(cancel);
        for (var i = 0; i < readers.Count; i++)
        {
            await readers[i](rows);
            if (i < readers.Count - 1)
            {
                await rows.NextResultAsync(cancel);
            }
        }

        return hold;

        void AccountStatement(IReadOnlyCollection<Guid> ids) =>
            Statement(
                AccountsSql + update,
                row => hold.Book.Load(row.GetGuid(0), row.GetInt64(1), row.GetInt64(2)),
                Uuids(ids)
            );

        void Statement(string sql, Action<NpgsqlDataReader>? read, params NpgsqlParameter[] parameters)
        {
            Add(batch, sql, parameters);
            if (read is not null)
            {
                readers.Add(async reader =>
                {
                    while (await reader.ReadAsync(cancel))
                    {
                        read(reader);
                    }
                });
            }
        }
    }

    /// <summary>
    /// The holds of the given reservations, and those on the given accounts that have lapsed. The rows are locked, so
    /// that whoever sees one is the only one to free it (RED-05).
    /// </summary>
    public static async Task<List<StandingHold>> HoldsAsync(
        NpgsqlConnection connection,
        IEnumerable<Guid> reservations,
        IEnumerable<Guid> accounts,
        DateTimeOffset now,
        bool withLocks,
        CancellationToken cancel
    )
    {
        await using var command = new NpgsqlCommand(
            """
            select transfer_id, account_id, amount, expires_at from balances.hold
            where transfer_id = any($1) or (account_id = any($2) and expires_at <= $3)
            order by account_id, transfer_id
            """ + (withLocks ? " for update" : ""),
            connection
        );
        command.Parameters.Add(Uuids(reservations));
        command.Parameters.Add(Uuids(accounts));
        command.Parameters.Add(new NpgsqlParameter { Value = now, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        var holds = new List<StandingHold>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            holds.Add(
                new StandingHold(
                    rows.GetGuid(0),
                    rows.GetGuid(1),
                    rows.GetInt64(2),
                    rows.GetFieldValue<DateTimeOffset>(3)
                )
            );
        }

        return holds;
    }

    internal static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
    }

    internal static NpgsqlParameter Uuids(IEnumerable<Guid> values) =>
        new NpgsqlParameter<Guid[]> { TypedValue = [.. values] };

    private static NpgsqlParameter<DateTimeOffset[]> Ends(IEnumerable<(DateTimeOffset End, long Id)> keys) =>
        new() { TypedValue = [.. keys.Select(static k => k.End)] };

    private static NpgsqlParameter<long[]> Bigints(IEnumerable<long> values) => new() { TypedValue = [.. values] };
}

/// <summary>A hold that stands, or stood until the batch freed it.</summary>
internal sealed record StandingHold(Guid ReservationId, Guid AccountId, long Amount, DateTimeOffset ExpiresAt);
