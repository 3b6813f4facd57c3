using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Promotions;
using Tessera.Server.Redemptions.Orders;

namespace Tessera.Server.Redemptions.Backtests;

/// <summary>Which orders a back-test is run on.</summary>
/// <param name="Source">api, or the name of a data set; null for all.</param>
/// <param name="Currency">Of the orders.</param>
/// <param name="From">First instant.</param>
/// <param name="Until">First instant after the period.</param>
/// <param name="Channel">Where; null for everywhere.</param>
/// <param name="MerchantId">Whose orders; null for all.</param>
internal sealed record OrderPeriod(
    string? Source,
    string Currency,
    DateTimeOffset From,
    DateTimeOffset Until,
    string? Channel,
    Guid? MerchantId
);

/// <summary>Orders as they were stored, read back in the order of their time, and taken over from elsewhere.</summary>
internal static class PastOrders
{
    /// <summary>How many orders there are.</summary>
    public static async Task<long> CountAsync(UnitOfWork work, OrderPeriod period, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"select count(*) from redemptions.placed_order o where {Conditions}",
            Values(period)
        );
        return (long)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>The next orders after a place.</summary>
    /// <param name="work">Of the batch.</param>
    /// <param name="period">Which orders.</param>
    /// <param name="after">The place of the last one; null for the first.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<List<PastOrder>> ReadAsync(
        UnitOfWork work,
        OrderPeriod period,
        (DateTimeOffset At, Guid Id)? after,
        int count,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select o.id, o.reference, o.placed_at, o.cart::text, o.currency, o.channel,
                coalesce((select jsonb_object_agg(promotion_id, given) from (
                    select u.promotion_id, sum(u.discount_minor) as given from redemptions.promotion_use u
                    where u.order_id = o.id group by u.promotion_id) g), jsonb_build_object())::text
            from redemptions.placed_order o
            where {Conditions} and (o.placed_at, o.id) > ($7, $8)
            order by o.placed_at, o.id limit $9
            """,
            [.. Values(period), after?.At ?? DateTimeOffset.MinValue, after?.Id ?? Guid.Empty, count]
        );
        var orders = new List<PastOrder>(count);
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            orders.Add(
                new PastOrder(
                    row.GetGuid(0),
                    row.GetString(1),
                    row.GetFieldValue<DateTimeOffset>(2),
                    CartJson.Restore(row.GetString(3), row.GetString(4), row.Object<string>(5)),
                    JsonSerializer.Deserialize<Dictionary<string, long>>(row.GetString(6))!
                )
            );
        }

        return orders;
    }

    /// <summary>Takes orders over from elsewhere, for back-tests alone: they count against no limit.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="source">The name of the data.</param>
    /// <param name="orders">In the order of their time; ids decide among those of one instant.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task InsertAsync(
        UnitOfWork work,
        string source,
        IReadOnlyList<PastOrder> orders,
        CancellationToken cancel
    )
    {
        var carts = orders.Select(static o => o.Cart).ToList();
        var totals = carts.ConvertAll(static c =>
            c.Lines.Sum(static l => l.AmountMinor) + c.Shipping.Sum(static s => s.AmountMinor)
        );
        await using var insert = work.Command(
            """
            insert into redemptions.placed_order (id, source, client_id, channel, reference, currency, subtotal_minor,
                discount_minor, total_minor, cart, placed_at)
            select d.id, $1, $2, d.channel, d.reference, d.currency, d.subtotal, 0, d.total, d.cart, d.placed_at
            from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::jsonb[],
                $10::timestamptz[]) as d (id, channel, reference, currency, subtotal, total, cart, placed_at)
            """,
            source,
            Guid.Empty,
            orders.Select(static o => o.Id).ToArray(),
            new NpgsqlParameter<string?[]> { TypedValue = [.. carts.Select(static c => c.Channel)] },
            orders.Select(static o => o.Reference).ToArray(),
            carts.Select(static c => c.Currency).ToArray(),
            carts.Select(static c => c.Lines.Sum(static l => l.AmountMinor)).ToArray(),
            totals.ToArray(),
            new NpgsqlParameter
            {
                Value = carts.Select(static c => System.Text.Encoding.UTF8.GetString(CartJson.Store(c))).ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
            },
            orders.Select(static o => o.PlacedAt).ToArray()
        );
        await insert.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Whether orders of a source are there.</summary>
    public static async Task<bool> HasAsync(UnitOfWork work, string source, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select exists (select from redemptions.placed_order where source = $1)",
            source
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    private const string Conditions =
        "($1::text is null or o.source = $1) and o.currency = $2 and o.placed_at >= $3 and o.placed_at < $4 "
        + "and ($5::text is null or o.channel = $5) and ($6::uuid is null or o.merchant_id = $6) "
        + "and o.ending is distinct from 'replaced'";

    private static object?[] Values(OrderPeriod period) =>
        [
            OrderStore.Nullable(period.Source, NpgsqlDbType.Text),
            period.Currency,
            period.From,
            period.Until,
            OrderStore.Nullable(period.Channel, NpgsqlDbType.Text),
            OrderStore.Nullable(period.MerchantId, NpgsqlDbType.Uuid),
        ];
}
