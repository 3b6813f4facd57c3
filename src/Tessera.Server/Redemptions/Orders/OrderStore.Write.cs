using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Promotions;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

internal static partial class OrderStore
{
    /// <summary>Writes an accepted redemption: the order, its uses, and the end of what it replaces.</summary>
    public static async Task WriteOrderAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        OrderResolution found,
        OrderWork work,
        CancellationToken cancel
    )
    {
        var now = work.Batch.Hold.Now;
        await using var batch = new NpgsqlBatch(connection);
        if (command.Replace && found.Standing is { } standing)
        {
            Add(
                batch,
                """
                update redemptions.placed_order set ended_at = $2, ending = 'replaced', version = version + 1 where id = $1
                """,
                standing.Id,
                now
            );
            Add(
                batch,
                """
                update redemptions.promotion_use set ended_at = $2, use_returned = true where id = any($1)
                """,
                work.Replaced.Select(u => u.Id).ToArray(),
                now
            );
        }

        Add(
            batch,
            """
            insert into redemptions.placed_order (id, merchant_id, client_id, customer_id, channel, reference, currency,
                subtotal_minor, discount_minor, total_minor, cart, placed_at, reservation_id, idempotency_key)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            command.Id,
            Nullable(command.Asker.MerchantId, NpgsqlDbType.Uuid),
            command.Asker.ClientId,
            Nullable(command.Cart.Customer is null ? null : command.HolderId, NpgsqlDbType.Uuid),
            Nullable(command.Cart.Channel, NpgsqlDbType.Text),
            command.Reference,
            command.Cart.Currency,
            work.Quote.SubtotalMinor,
            work.Quote.DiscountMinor,
            work.Quote.TotalMinor,
            new NpgsqlParameter { Value = CartJson.Store(command.Kept), NpgsqlDbType = NpgsqlDbType.Jsonb },
            now,
            Nullable(command.ReservationIds is [var reservation, ..] ? reservation : null, NpgsqlDbType.Uuid),
            command.Asker.KeyHash
        );
        for (var place = 0; place < work.Taken.Count; place++)
        {
            AddUse(batch, command, work, place, now);
        }

        found.Reservations.ForEach(r => EndReservation(batch, r.Id, "redeemed", now));
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Writes an accepted reservation and what it holds.</summary>
    public static async Task WriteReservationAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        OrderWork work,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(
            batch,
            """
            insert into redemptions.order_reservation (id, merchant_id, client_id, customer_id, channel, reference, currency,
                subtotal_minor, discount_minor, total_minor, cart, decided_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            """,
            command.Id,
            Nullable(command.Asker.MerchantId, NpgsqlDbType.Uuid),
            command.Asker.ClientId,
            Nullable(command.HolderId, NpgsqlDbType.Uuid),
            Nullable(command.Cart.Channel, NpgsqlDbType.Text),
            command.Reference,
            command.Cart.Currency,
            work.Quote.SubtotalMinor,
            work.Quote.DiscountMinor,
            work.Quote.TotalMinor,
            new NpgsqlParameter { Value = CartJson.Store(command.Kept), NpgsqlDbType = NpgsqlDbType.Jsonb },
            work.Batch.Hold.Now,
            work.ExpiresAt!.Value
        );
        foreach (var taken in work.Taken)
        {
            AddHold(batch, command.Id, taken);
        }

        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Writes the refusals of codes (RED-14) and keeps the answer.</summary>
    public static async Task WriteRefusalAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        IReadOnlyList<(string Code, string Reason, long? CouponId)> refused,
        long amount,
        CancellationToken cancel
    )
    {
        if (refused.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection);
        foreach (var (code, reason, coupon) in refused)
        {
            Add(
                batch,
                """
                insert into redemptions.refusal (id, operation, reason, coupon_id, customer_id, client_id, channel,
                    order_reference, order_minor, currency, code_hint, decided_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, platform.clock())
                """,
                Guid.CreateVersion7(),
                command.Operation == Operation.Reserve ? "reserve" : "redeem",
                reason,
                Nullable(coupon, NpgsqlDbType.Bigint),
                Nullable(command.HolderId, NpgsqlDbType.Uuid),
                command.Asker.ClientId,
                Nullable(command.Cart.Channel, NpgsqlDbType.Text),
                command.Reference,
                amount,
                command.Cart.Currency,
                code[..Math.Min(4, code.Length)]
            );
        }

        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Adds the end of a reservation of a cart.</summary>
    internal static void EndReservation(NpgsqlBatch batch, Guid id, string ending, DateTimeOffset now)
    {
        Add(
            batch,
            "update redemptions.order_reservation set ended_at = $2, ending = $3 where id = $1 and ended_at is null",
            id,
            now,
            ending
        );
        Add(
            batch,
            "update redemptions.promotion_hold set ended_at = $2 where reservation_id = $1 and ended_at is null",
            id,
            now
        );
    }

    /// <summary>Adds what holds a promotion for a checkout: its row, and the bounds it takes of each account.</summary>
    internal static void AddHold(NpgsqlBatch batch, Guid reservation, TakenPromotion taken)
    {
        Add(
            batch,
            """
            insert into redemptions.promotion_hold (id, reservation_id, promotion_id, promotion_version, coupon_id, code,
                account_ids, discount_minor, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            taken.Id,
            reservation,
            taken.Candidate.CountedAs,
            (long)taken.Candidate.Promotion.Version,
            Nullable(taken.Candidate.Coupon?.Id, NpgsqlDbType.Bigint),
            Nullable(taken.Candidate.Attempt?.Code, NpgsqlDbType.Text),
            taken.Legs.Select(l => l.Account.Id).ToArray(),
            taken.DiscountMinor,
            taken.ExpiresAt!.Value
        );
        Add(
            batch,
            """
            insert into balances.hold (account_id, transfer_id, amount, expires_at)
            select d.account_id, $1, d.amount, $2 from unnest($3::uuid[], $4::bigint[]) as d (account_id, amount)
            """,
            taken.Id,
            taken.ExpiresAt!.Value,
            taken.Legs.Select(l => l.Account.Id).ToArray(),
            taken.Legs.Select(l => l.Amount).ToArray()
        );
    }

    private static void AddUse(NpgsqlBatch batch, OrderCommand command, OrderWork work, int place, DateTimeOffset now)
    {
        var taken = work.Taken[place];
        var shares = work
            .Quote.Steps.Where(s => s.Promotion == taken.Candidate.Promotion.Id)
            .GroupBy(s => (s.Target, s.Id))
            .Select(g => (g.Key.Target, g.Key.Id, Amount: g.Sum(s => s.DiscountMinor)))
            .ToList();
        Add(
            batch,
            """
            insert into redemptions.promotion_use (id, order_id, place, promotion_id, promotion_version, coupon_id,
                customer_id, email_hash, discount_minor, targets, target_ids, amounts, decided_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            """,
            taken.Id,
            command.Id,
            place,
            taken.Candidate.CountedAs,
            (long)taken.Candidate.Promotion.Version,
            Nullable(taken.Candidate.Coupon?.Id, NpgsqlDbType.Bigint),
            Nullable(command.Cart.Customer is null ? null : command.HolderId, NpgsqlDbType.Uuid),
            Nullable(EmailHashOf(command), NpgsqlDbType.Text),
            taken.DiscountMinor,
            shares.Select(s => WordOf(s.Target)).ToArray(),
            shares.Select(s => s.Id).ToArray(),
            shares.Select(s => s.Amount).ToArray(),
            now
        );
    }

    private static string WordOf(EffectTarget target) =>
        target switch
        {
            EffectTarget.Lines => "lines",
            EffectTarget.Order => "order",
            _ => "shipping",
        };
}
