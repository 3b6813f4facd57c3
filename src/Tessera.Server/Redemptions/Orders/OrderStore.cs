using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>The SQL of orders that reads and locks; writing is in the other part.</summary>
internal static partial class OrderStore
{
    private const string OrderColumns =
        "o.id, o.merchant_id, o.customer_id, o.reference, o.channel, o.currency, o.total_minor, o.cart::text, o.placed_at, "
        + "o.ending, o.version, "
        + "(select coalesce(sum(b.paid_minor), 0)::bigint from redemptions.order_return b where b.order_id = o.id)";

    /// <summary>Reads what a cart names, without a lock.</summary>
    public static async Task<OrderResolution> ReadAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        CancellationToken cancel
    )
    {
        var found = new OrderResolution();
        await using (
            var query = Command(
                connection,
                """
                select platform.clock(), exists (select from access.customer where id = $1)
                """,
                Nullable(command.HolderId, NpgsqlDbType.Uuid)
            )
        )
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            (found.Clock, found.IsCustomer) = (row.GetFieldValue<DateTimeOffset>(0), row.GetBoolean(1));
        }

        foreach (var reservation in command.ReservationIds)
        {
            if (await FindReservationAsync(connection, reservation, command.Asker.MerchantId, cancel) is { } held)
            {
                found.Reservations.Add(held);
            }
        }

        if (command.Operation == Operation.Redeem)
        {
            found.Standing = await FindAsync(
                connection,
                $"""
                select {OrderColumns} from redemptions.placed_order o
                where coalesce(o.merchant_id, '00000000-0000-0000-0000-000000000000') = $1 and o.source = 'api'
                    and coalesce(o.channel, '') = $2 and o.reference = $3 and o.ended_at is null
                """,
                cancel,
                command.Asker.MerchantId ?? Guid.Empty,
                command.Cart.Channel ?? "",
                command.Reference
            );
        }

        return found;
    }

    /// <summary>An order that the caller may see.</summary>
    public static Task<StoredOrder?> FindOrderAsync(
        NpgsqlConnection connection,
        Guid id,
        Guid? merchant,
        CancellationToken cancel
    ) =>
        FindAsync(
            connection,
            $"""
            select {OrderColumns} from redemptions.placed_order o
            where o.id = $1 and ($2::uuid is null or o.merchant_id = $2)
            """,
            cancel,
            id,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );

    /// <summary>A reservation of a cart that the caller may see, with what it holds.</summary>
    public static async Task<HeldOrder?> FindReservationAsync(
        NpgsqlConnection connection,
        Guid id,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = Command(
            connection,
            """
            select r.id, r.merchant_id, r.customer_id, r.reference, r.expires_at, r.ending, h.id, h.coupon_id, h.code,
                h.account_ids
            from redemptions.order_reservation r
            left join redemptions.promotion_hold h on h.reservation_id = r.id
            where r.id = $1 and ($2::uuid is null or r.merchant_id = $2)
            order by h.id
            """,
            id,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        HeldOrder? order = null;
        var held = new List<HeldPromotion>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            order ??= new HeldOrder(
                row.GetGuid(0),
                row.Value<Guid>(1),
                row.Value<Guid>(2),
                row.GetString(3),
                row.GetFieldValue<DateTimeOffset>(4),
                row.Object<string>(5),
                held
            );
            if (!row.IsDBNull(6))
            {
                held.Add(
                    new HeldPromotion(
                        row.GetGuid(6),
                        row.Value<long>(7),
                        row.Object<string>(8),
                        row.GetFieldValue<Guid[]>(9)
                    )
                );
            }
        }

        return order;
    }

    /// <summary>
    /// Locks the rows of orders, after everything that single codes lock too, and reads the clock in a statement of its
    /// own.
    /// </summary>
    /// <param name="connection">In the transaction.</param>
    /// <param name="command">What is asked.</param>
    /// <param name="found">What was read before the locks.</param>
    /// <param name="limitedPerCustomer">Promotions that ask how often this customer has used them.</param>
    /// <param name="hold">What single codes lock too; it takes the clock, and beside what its coupons are used.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>Uses by this customer, under whichever name.</returns>
    /// <exception cref="StaleResolutionException">What was read before the locks has changed.</exception>
    public static async Task<Dictionary<string, long>> HoldAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        OrderResolution found,
        IReadOnlyCollection<string> limitedPerCustomer,
        Hold hold,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(
            batch,
            "select id, ending from redemptions.order_reservation where id = any($1) order by id for update",
            found.Reservations.Select(static r => r.Id).ToArray()
        );
        Add(
            batch,
            "select version from redemptions.placed_order where id = $1 for update",
            found.Standing?.Id ?? Guid.Empty
        );
        Add(
            batch,
            Buyers.UsesSql,
            limitedPerCustomer.ToArray(),
            Nullable(command.HolderId, NpgsqlDbType.Uuid),
            Nullable(EmailHashOf(command), NpgsqlDbType.Text),
            Nullable(command.Replace ? found.Standing?.Id : null, NpgsqlDbType.Uuid)
        );
        Add(batch, CouponTermsRow.StackingSql, hold.Coupons.Keys.ToArray());
        Add(batch, "select platform.clock()");
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var id = rows.GetGuid(0);
            if (rows.Object<string>(1) != found.Reservations.Find(r => r.Id == id)!.Ending)
            {
                throw new StaleResolutionException();
            }
        }

        await rows.NextResultAsync(cancel);
        if (await rows.ReadAsync(cancel) && rows.GetInt32(0) != found.Standing!.Version)
        {
            throw new StaleResolutionException();
        }

        var uses = new Dictionary<string, long>(StringComparer.Ordinal);
        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            uses[rows.GetString(0)] = rows.GetInt64(1);
        }

        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var id = rows.GetInt64(0);
            hold.Coupons[id] = hold.Coupons[id] with { Stacking = CouponTermsRow.ReadStacking(rows, 1) };
        }

        await rows.NextResultAsync(cancel);
        await rows.ReadAsync(cancel);
        hold.Now = rows.GetFieldValue<DateTimeOffset>(0);
        return uses;
    }

    /// <summary>What is kept of the customer's e-mail address.</summary>
    public static string? EmailHashOf(OrderCommand command) =>
        command.Cart.Customer?.Email is { Length: > 0 } email ? Core.Promotions.PromotionLimits.HashOf(email) : null;

    private static async Task<StoredOrder?> FindAsync(
        NpgsqlConnection connection,
        string sql,
        CancellationToken cancel,
        params object[] values
    )
    {
        StoredOrder? order = null;
        var uses = new List<StoredUse>();
        await using (var query = Command(connection, sql, values))
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            if (await row.ReadAsync(cancel))
            {
                order = new StoredOrder(
                    row.GetGuid(0),
                    row.Value<Guid>(1),
                    row.Value<Guid>(2),
                    row.GetString(3),
                    row.Object<string>(4),
                    row.GetString(5),
                    row.GetInt64(6),
                    row.GetString(7),
                    row.GetFieldValue<DateTimeOffset>(8),
                    row.Object<string>(9),
                    row.GetInt32(10),
                    row.GetInt64(11),
                    uses
                );
            }
        }

        if (order is not null)
        {
            await ReadUsesAsync(connection, order.Id, uses, cancel);
        }

        return order;
    }

    private static async Task ReadUsesAsync(
        NpgsqlConnection connection,
        Guid order,
        List<StoredUse> uses,
        CancellationToken cancel
    )
    {
        await using var query = Command(
            connection,
            """
            select u.id, u.promotion_id, u.coupon_id, u.discount_minor, u.returned_minor, u.ended_at is not null, u.targets,
                u.target_ids, u.amounts, coalesce(t.account_ids, '{}'), coalesce(t.amounts, '{}'),
                array(select a.unit = 'use' from unnest(t.account_ids) with ordinality l (id, place)
                    join balances.account a on a.id = l.id order by l.place),
                r.valid_until, r.rolled_back_at is not null
            from redemptions.promotion_use u
            left join balances.transfer t on t.id = u.id
            left join redemptions.redemption r on r.id = u.id
            where u.order_id = $1 order by u.place
            """,
            order
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            uses.Add(
                new StoredUse(
                    row.GetGuid(0),
                    row.GetString(1),
                    row.Value<long>(2),
                    row.GetInt64(3),
                    row.GetInt64(4),
                    row.GetBoolean(5),
                    row.GetFieldValue<string[]>(6),
                    row.GetFieldValue<string[]>(7),
                    row.GetFieldValue<long[]>(8),
                    row.GetFieldValue<Guid[]>(9),
                    row.GetFieldValue<long[]>(10),
                    row.GetFieldValue<bool[]>(11),
                    row.Value<DateTimeOffset>(12),
                    row.GetBoolean(13)
                )
            );
        }
    }

    internal static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(UnitOfWork.Parameter(value));
        }

        return command;
    }

    internal static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(UnitOfWork.Parameter(value));
        }

        batch.BatchCommands.Add(command);
    }
}
