using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions.Orders;

internal static partial class OrderStore
{
    /// <summary>Locks an order, after everything that single codes lock too, and reads the clock after it.</summary>
    /// <exception cref="StaleResolutionException">It has changed since it was read.</exception>
    public static async Task<DateTimeOffset> HoldOrderAsync(
        NpgsqlConnection connection,
        StoredOrder order,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(batch, "select version from redemptions.placed_order where id = $1 for update", order.Id);
        Add(batch, "select platform.clock()");
        await using var row = await batch.ExecuteReaderAsync(cancel);
        if (!await row.ReadAsync(cancel) || row.GetInt32(0) != order.Version)
        {
            throw new StaleResolutionException();
        }

        await row.NextResultAsync(cancel);
        await row.ReadAsync(cancel);
        return row.GetFieldValue<DateTimeOffset>(0);
    }

    /// <summary>Whether a redemption belongs to an order of a cart, and so is given back with it. It never changes.</summary>
    public static async Task<bool> HasRedemptionAsync(Database database, Guid redemption, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            "select exists (select from redemptions.promotion_use where id = $1)"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = redemption });
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Locks a reservation of a cart likewise.</summary>
    public static async Task<(string? Ending, DateTimeOffset Now)> HoldReservationAsync(
        NpgsqlConnection connection,
        Guid id,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(batch, "select ending from redemptions.order_reservation where id = $1 for update", id);
        Add(batch, "select platform.clock()");
        await using var row = await batch.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        var ending = row.Object<string>(0);
        await row.NextResultAsync(cancel);
        await row.ReadAsync(cancel);
        return (ending, row.GetFieldValue<DateTimeOffset>(0));
    }

    /// <summary>Writes a return and what it does to the uses of the order.</summary>
    public static async Task WriteReturnAsync(
        NpgsqlConnection connection,
        ReturnCommand command,
        ReturnedOrder returned,
        IReadOnlyList<GivenBack> given,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(
            batch,
            """
            insert into redemptions.order_return (id, order_id, paid_minor, discount_minor, reason, client_id, detail, at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            command.Id,
            command.OrderId,
            returned.PaidMinor,
            returned.DiscountMinor,
            command.Reason,
            command.Asker.ClientId,
            new NpgsqlParameter
            {
                Value = JsonSerializer.SerializeToUtf8Bytes(returned.Parts, Wire.Json),
                NpgsqlDbType = NpgsqlDbType.Jsonb,
            },
            now
        );
        Add(
            batch,
            """
            update redemptions.placed_order set version = version + 1, ended_at = case when $2 then $3 end,
                ending = case when $2 then 'returned' end
            where id = $1
            """,
            command.OrderId,
            returned.LeavesNothing,
            now
        );
        foreach (var back in given)
        {
            Add(
                batch,
                """
                update redemptions.promotion_use set returned_minor = returned_minor + $2, use_returned = $3,
                    ended_at = case when $4 then $5 end
                where id = $1
                """,
                back.Use.Id,
                back.DiscountMinor,
                back.UseReturned,
                back.IsWhole,
                now
            );
        }

        await batch.ExecuteNonQueryAsync(cancel);
    }
}
