using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Server.Balances;
using Tessera.Server.Platform;
using Tessera.Server.Privacy;

namespace Tessera.Server.Redemptions;

internal static partial class RedemptionStore
{
    /// <summary>Ends when all that committed before it is on disk: a record of its own, flushed by its own commit.</summary>
    private const string FlushSql = "select pg_logical_emit_message(true, 'tessera', '')";

    /// <summary>Writes all that was decided, events and answers included, and commits: one round trip.</summary>
    /// <remarks>
    /// The locks end with the commit and not with the disk: whoever waits for a hot row goes on while this batch is
    /// flushed, and what he decides on it can only become durable after it, as the log is written in order. The answer
    /// is given after the flush (early lock release: DeWitt et al., Implementation Techniques for Main Memory Database
    /// Systems, SIGMOD 1984, section 5.2).
    /// </remarks>
    /// <exception cref="PostgresException">
    /// A constraint held where a decision did not know better; nothing was written, and each command is tried alone.
    /// </exception>
    public static async Task WriteAsync(
        NpgsqlConnection connection,
        BatchWork work,
        short shard,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(batch, "set local synchronous_commit = off");
        WriteInstances(batch, work);

        // What ends first, so that what begins in its place meets no standing row.
        WriteRollbacks(batch, work);
        WriteRedemptions(batch, work);
        WriteReservations(batch, work);
        WriteStandIns(batch, work);
        WriteCuts(batch, work);
        WriteRefusals(batch, work);
        WriteArrivals(batch, work);
        AccountStore.Write(batch, work.Hold.Book, work.Transfers, work.Hold.Now);
        if (work.Events.Count > 0)
        {
            var parameters = EventLog.Columns(work.Events, work.Hold.Now).ToArray();
            Add(batch, EventLog.InsertSql, parameters);
        }

        WriteAnswers(batch, work);
        WriteUsage(batch, work, shard);
        Add(batch, "commit");
        Add(batch, FlushSql);
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Waits until what has been read is on disk, where nothing is written that would.</summary>
    public static async Task FlushAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(FlushSql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static void WriteInstances(NpgsqlBatch batch, BatchWork work)
    {
        if (work.NewInstances.Count > 0)
        {
            var rows = work.NewInstances;
            Add(
                batch,
                """
                insert into coupons.instance (id, valid_until, coupon_id, customer_id, merchant_id, campaign_id, channel,
                    valid_from, state, prior_state, reservation_id, reserved_until, version)
                select * from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[],
                    $7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::uuid[], $12::timestamptz[], $13::bigint[])
                """,
                Column(rows, r => r.Id),
                Column(rows, r => r.ValidUntil),
                Column(rows, r => r.CouponId),
                Column(rows, r => r.CustomerId),
                Column(rows, r => r.MerchantId),
                Column(rows, r => r.CampaignId),
                Column(rows, r => r.Channel),
                Column(rows, r => r.ValidFrom),
                Column(rows, r => r.State.Name()),
                Column(rows, r => r.Prior?.Name()),
                Column(rows, r => r.ReservationId),
                Column(rows, r => r.ReservedUntil),
                Column(rows, r => r.Version)
            );
        }

        var changed = work
            .Hold.Instances.Values.Where(static i => i.NeedsWriting)
            .OrderBy(static i => i.ValidUntil)
            .ThenBy(static i => i.Id)
            .ToList();
        if (changed.Count > 0)
        {
            Add(
                batch,
                """
                update coupons.instance i set state = d.state, prior_state = d.prior_state, customer_id = d.customer_id,
                    reservation_id = d.reservation_id, reserved_until = d.reserved_until, version = d.version
                from unnest($1::timestamptz[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::uuid[],
                    $7::timestamptz[], $8::bigint[])
                    as d (valid_until, id, state, prior_state, customer_id, reservation_id, reserved_until, version)
                where i.valid_until = d.valid_until and i.id = d.id
                """,
                Column(changed, r => r.ValidUntil),
                Column(changed, r => r.Id),
                Column(changed, r => r.State.Name()),
                Column(changed, r => r.Prior?.Name()),
                Column(changed, r => r.CustomerId),
                Column(changed, r => r.ReservationId),
                Column(changed, r => r.ReservedUntil),
                Column(changed, r => r.Version)
            );
        }
    }

    private static void WriteRedemptions(NpgsqlBatch batch, BatchWork work)
    {
        if (work.Redemptions.Count == 0)
        {
            return;
        }

        var rows = work.Redemptions;
        Add(
            batch,
            """
            insert into redemptions.redemption (id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code,
                customer_id, client_id, channel, order_reference, order_minor, discount_minor, currency, valid_from,
                valid_until, decided_at, reservation_id, idempotency_key, booking_status)
            select r.id, r.coupon_id, r.coupon_version, r.instance_id, r.instance_end, r.by_shared_code, r.customer_id,
                r.client_id, r.channel, r.order_reference, r.order_minor, r.discount_minor, r.currency, r.valid_from,
                r.valid_until, $18, r.reservation_id, r.idempotency_key, r.booking_status
            from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::boolean[], $7::uuid[],
                $8::uuid[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::timestamptz[],
                $15::timestamptz[], $16::uuid[], $17::uuid[], $19::text[])
                as r (id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code, customer_id, client_id,
                    channel, order_reference, order_minor, discount_minor, currency, valid_from, valid_until,
                    reservation_id, idempotency_key, booking_status)
            """,
            Column(rows, r => r.Command.Id),
            Column(rows, r => r.Coupon.Id),
            Column(rows, r => r.Coupon.Version),
            Column(rows, r => r.Instance.Id),
            Column(rows, r => r.Instance.ValidUntil),
            Column(rows, r => r.ByShared),
            Column(rows, r => r.Command.CustomerId),
            Column(rows, r => r.Command.Asker.ClientId),
            Column(rows, r => r.Command.Channel),
            Column(rows, r => r.Command.Order.Reference),
            Column(rows, r => r.Command.Order.AmountMinor),
            Column(rows, r => r.Grant.DiscountMinor),
            Column(rows, r => r.Command.Order.Currency),
            Column(rows, r => r.Grant.ValidFrom),
            Column(rows, r => r.Grant.ValidUntil),
            Column(rows, r => r.Command.ReservationId),
            Column(rows, r => r.Command.Asker.KeyHash),
            At(work.Hold.Now),
            Column(rows, r => r.Command.Order.Service is null ? null : "pending")
        );
    }

    private static void WriteReservations(NpgsqlBatch batch, BatchWork work)
    {
        if (work.EndedReservations.Count > 0)
        {
            var rows = work.EndedReservations;
            Add(
                batch,
                """
                update redemptions.reservation r set ended_at = $3, ending = d.ending
                from unnest($1::uuid[], $2::text[]) as d (id, ending) where r.id = d.id and r.ended_at is null
                """,
                Column(rows, r => r.Id),
                Column(rows, r => r.Ending),
                At(work.Hold.Now)
            );
        }

        if (work.FreedHolds.Count > 0)
        {
            Add(
                batch,
                """
                delete from balances.hold h using unnest($1::uuid[], $2::uuid[]) as d (account_id, transfer_id)
                where h.account_id = d.account_id and h.transfer_id = d.transfer_id
                """,
                Column(work.FreedHolds, h => h.AccountId),
                Column(work.FreedHolds, h => h.ReservationId)
            );
        }

        if (work.Reservations.Count == 0)
        {
            return;
        }

        foreach (var reservation in work.Reservations)
        {
            Add(
                batch,
                """
                insert into redemptions.reservation (id, coupon_id, instance_id, instance_end, customer_id, client_id,
                    channel, order_reference, order_minor, discount_minor, currency, account_ids, amounts, decided_at,
                    expires_at, by_shared_code, coupon_version)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
                """,
                Value(reservation.Command.Id),
                Value(reservation.Coupon.Id),
                Value(reservation.Instance.Id),
                At(reservation.Instance.ValidUntil),
                Value(reservation.Command.CustomerId),
                Value(reservation.Command.Asker.ClientId),
                Value(reservation.Command.Channel),
                Value(reservation.Command.Order.Reference),
                Value(reservation.Command.Order.AmountMinor),
                Value(reservation.Grant.DiscountMinor),
                Value(reservation.Command.Order.Currency),
                Value(reservation.Grant.Legs.Select(l => l.Account.Id).ToArray()),
                Value(reservation.Grant.Legs.Select(l => l.Amount).ToArray()),
                At(work.Hold.Now),
                At(reservation.ExpiresAt),
                Value(reservation.ByShared),
                Value(reservation.Coupon.Version)
            );
        }

        var holds = work.Holds;
        Add(
            batch,
            """
            insert into balances.hold (account_id, transfer_id, amount, expires_at)
            select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[])
            """,
            Column(holds, h => h.Leg.Account.Id),
            Column(holds, h => h.ReservationId),
            Column(holds, h => h.Leg.Amount),
            Column(holds, h => h.ExpiresAt)
        );
    }

    private static void WriteRollbacks(NpgsqlBatch batch, BatchWork work)
    {
        if (work.Rollbacks.Count == 0)
        {
            return;
        }

        var rows = work.Rollbacks;
        Add(
            batch,
            """
            insert into redemptions.rollback (id, redemption_id, discount_minor, use_returned, reason, client_id, at)
            select d.*, $7 from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::boolean[], $5::text[], $6::uuid[]) as d
            """,
            Column(rows, r => r.Command.Id),
            Column(rows, r => r.Redemption.Id),
            Column(rows, r => r.Redemption.DiscountMinor),
            Column(rows, r => r.ReturnsUse),
            Column(rows, r => r.Command.Reason),
            Column(rows, r => r.Command.Asker.ClientId),
            At(work.Hold.Now)
        );
        Add(
            batch,
            "update redemptions.redemption set rolled_back_at = $2 where id = any($1)",
            Column(rows, r => r.Redemption.Id),
            At(work.Hold.Now)
        );
    }

    private static void WriteStandIns(NpgsqlBatch batch, BatchWork work)
    {
        if (work.StandIns.Count > 0)
        {
            var rows = work.StandIns;
            Add(
                batch,
                """
                insert into redemptions.stand_in (attempt_id, coupon_id, reason, decided_at)
                select d.*, $4 from unnest($1::uuid[], $2::bigint[], $3::text[]) as d
                """,
                Column(rows, r => r.AttemptId),
                Column(rows, r => r.For.CouponId),
                Column(rows, r => r.For.Reason),
                At(work.Hold.Now)
            );
        }
    }

    private static void WriteCuts(NpgsqlBatch batch, BatchWork work)
    {
        if (work.Cuts.Count > 0)
        {
            Add(
                batch,
                "insert into redemptions.cut (attempt_id, left_minor) select * from unnest($1::uuid[], $2::bigint[])",
                Column(work.Cuts, r => r.AttemptId),
                Column(work.Cuts, r => r.LeftMinor)
            );
        }
    }

    private static void WriteRefusals(NpgsqlBatch batch, BatchWork work)
    {
        if (work.Refusals.Count > 0)
        {
            var rows = work.Refusals;
            Add(
                batch,
                """
                insert into redemptions.refusal (id, operation, reason, coupon_id, instance_id, customer_id, client_id,
                    channel, order_reference, order_minor, currency, code_hint, coupon_version, change_kind, change_amount,
                    change_at, decided_at)
                select d.*, $17 from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::uuid[],
                    $7::uuid[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::text[],
                    $15::bigint[], $16::timestamptz[]) as d
                """,
                Column(rows, r => r.Command.Id),
                Column(rows, r => r.Command.Operation == Operation.Redeem ? "redeem" : "reserve"),
                Column(rows, r => r.Refusal.Code),
                Column(rows, r => r.Coupon?.Id),
                Column(rows, r => r.InstanceId),
                Column(rows, r => (Guid?)r.Command.CustomerId),
                Column(rows, r => r.Command.Asker.ClientId),
                Column(rows, r => r.Command.Channel),
                Column(rows, r => r.Command.Order.Reference),
                Column(rows, r => (long?)r.Command.Order.AmountMinor),
                Column(rows, r => r.Command.Order.Currency),
                Column(rows, r => r.Command.Code[..Math.Min(4, r.Command.Code.Length)]),
                Column(rows, r => r.Coupon?.Version),
                Column(rows, r => r.Refusal.Change?.Kind),
                Column(rows, r => r.Refusal.Change?.Amount),
                Column(rows, r => r.Refusal.Change?.At),
                At(work.Hold.Now)
            );
        }

        foreach (var (attempt, origin) in work.Origins)
        {
            Add(
                batch,
                """
                insert into redemptions.origin (attempt_id, ip, device_fingerprint, email_hash, decided_at)
                values ($1, $2, $3, $4, $5)
                """,
                Value(attempt),
                Value(origin.Ip),
                Value(origin.DeviceFingerprint),
                Value(origin.EmailHash),
                At(work.Hold.Now)
            );
        }
    }

    private static void WriteArrivals(NpgsqlBatch batch, BatchWork work)
    {
        if (work.Arrivals.Count > 0)
        {
            var rows = work.Arrivals;
            Add(
                batch,
                $"""
                insert into redemptions.arrival (attempt_id, campaign_source, utm_source, utm_medium, utm_campaign)
                select id, source, utm_source, medium, campaign
                from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
                    as a (id, source, utm_source, medium, campaign, customer)
                where not {Objections.Of(Objections.Analytics, "a.customer")}
                """,
                Column(rows, r => r.AttemptId),
                Column(rows, r => r.Arrival.CampaignSource),
                Column(rows, r => r.Arrival.UtmSource),
                Column(rows, r => r.Arrival.UtmMedium),
                Column(rows, r => r.Arrival.UtmCampaign),
                Column(rows, r => r.CustomerId)
            );
        }
    }

    private static void WriteUsage(NpgsqlBatch batch, BatchWork work, short shard)
    {
        if (work.Usage.Count == 0)
        {
            return;
        }

        var rows = work.Usage.OrderBy(u => u.Key).ToList();
        Add(
            batch,
            """
            insert into coupons.usage as u (coupon_id, shard, redeemed_count, refused_count, revenue_minor, discount_minor, last_used_at)
            select d.id, $8, d.redeemed, d.refused, d.revenue, d.discount, case when d.used then $7 end
            from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[])
                as d (id, redeemed, refused, revenue, discount, used)
            on conflict (coupon_id, shard) do update set redeemed_count = u.redeemed_count + excluded.redeemed_count,
                refused_count = u.refused_count + excluded.refused_count,
                revenue_minor = u.revenue_minor + excluded.revenue_minor,
                discount_minor = u.discount_minor + excluded.discount_minor,
                last_used_at = coalesce(excluded.last_used_at, u.last_used_at)
            """,
            Column(rows, r => r.Key),
            Column(rows, r => r.Value.Redeemed),
            Column(rows, r => r.Value.Refused),
            Column(rows, r => r.Value.RevenueMinor),
            Column(rows, r => r.Value.DiscountMinor),
            Column(rows, r => r.Value.Used),
            At(work.Hold.Now),
            new NpgsqlParameter<short> { TypedValue = shard }
        );
    }

    private static void WriteAnswers(NpgsqlBatch batch, BatchWork work)
    {
        if (work.Answers.Count == 0)
        {
            return;
        }

        var rows = work.Answers.OrderBy(a => a.Asker.KeyHash).ToList();
        Add(
            batch,
            """
            insert into platform.idempotency (key, request_hash, status, location, body)
            select * from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::bytea[])
            """,
            Column(rows, r => r.Asker.KeyHash),
            Column(rows, r => r.Asker.RequestHash),
            Column(rows, r => (short)r.Answer.Status),
            Column(rows, r => r.Answer.Location),
            Column(rows, r => r.Answer.Body)
        );
    }

    private static NpgsqlParameter<TValue[]> Column<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = value(rows[i]);
        }

        return new NpgsqlParameter<TValue[]> { TypedValue = values };
    }

    private static NpgsqlParameter Value(object? value) => new() { Value = value ?? DBNull.Value };

    private static NpgsqlParameter<DateTimeOffset> At(DateTimeOffset at) =>
        new() { TypedValue = at, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
