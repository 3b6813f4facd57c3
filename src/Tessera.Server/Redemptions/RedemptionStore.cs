using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Balances;

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
            """
            select m.code, m.coupon_id, m.instance_id, m.valid_until, c.campaign_id, c.distribution = 'private',
                c.products is not null, c.max_uses_total, c.max_uses_per_user, c.applicable_to = 'first_time_users', c.version,
                c.valid_until
            from coupons.code m join coupons.coupon c on c.id = m.coupon_id
            where m.code = any($1)
            """,
            new NpgsqlParameter<string[]> { TypedValue = [.. attempts.Select(a => a.Code).Distinct()] }
        );
        Add(
            batch,
            "select id from access.customer where id = any($1)",
            Uuids(attempts.Select(a => a.CustomerId).Distinct())
        );
        Add(
            batch,
            """
            select r.id, r.coupon_id, r.instance_id, r.instance_end, r.customer_id, c.merchant_id, r.expires_at, r.ending,
                r.by_shared_code, r.account_ids
            from redemptions.reservation r join coupons.coupon c on c.id = r.coupon_id
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
            found.Codes[rows.GetString(0)] = new CodeTarget(
                rows.GetInt64(1),
                rows.IsDBNull(2) ? null : rows.GetInt64(2),
                rows.IsDBNull(3) ? null : rows.GetFieldValue<DateTimeOffset>(3),
                rows.IsDBNull(4) ? null : rows.GetString(4),
                rows.GetBoolean(5),
                rows.GetBoolean(6),
                rows.IsDBNull(7) ? null : rows.GetInt64(7),
                rows.GetInt32(8),
                rows.GetBoolean(9),
                rows.GetInt64(10),
                rows.GetFieldValue<DateTimeOffset>(11)
            );
        }

        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Customers.Add(rows.GetGuid(0));
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
                rows.GetBoolean(8)
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
                "select id, start_at, end_at, budget_minor, budget_currency, budget_uses from campaigns.campaign "
                    + "where id = any($1) order by id"
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
            var uses = plan.UsesAhead.Values.OrderBy(static u => u.Account.Id).ToList();
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
                        hold.WithProducts.Add(place);
                    }
                },
                new NpgsqlParameter<long> { TypedValue = coupon },
                new NpgsqlParameter<string[]> { TypedValue = products }
            );
        }

        Statement("select platform.clock()", row => hold.Now = row.GetFieldValue<DateTimeOffset>(0));

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

    private const string AccountsSql =
        "select id, posted, pending from balances.account where id = any($1) order by id";

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
            row.IsDBNull(5) ? null : row.GetInt64(5)
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
