using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>
/// How many coupons can be redeemed now (A.7 <c>total_active_coupons</c>): from the windows that open and close by the hour,
/// so that a million coupons cost no more than the hours they lie in. Only what opens or closes in the rest of this very
/// hour is looked up.
/// </summary>
internal static class LiveCoupons
{
    private const string Sql = """
        with k as materialized (
            select platform.clock() as now, date_trunc('hour', platform.clock(), 'UTC') as hour
        )
        select (select coalesce(sum(h.change), 0) from coupons.live_hour h
                where h.hour <= k.hour and ($1::uuid is null or h.merchant_id = $1))
            - (select count(*) from coupons.coupon c join coupons.total t on t.coupon_id = c.id
                where c.deleted_at is null and c.valid_from > k.now and c.valid_from < k.hour + interval '1 hour'
                    and t.live_from is not null and ($1::uuid is null or t.live_merchant = $1))
            + (select count(*) from coupons.coupon c join coupons.total t on t.coupon_id = c.id
                where c.deleted_at is null and c.valid_until > k.now and c.valid_until < k.hour + interval '1 hour'
                    and t.live_from is not null and ($1::uuid is null or t.live_merchant = $1))
        from k
        """;

    /// <summary>Counts them.</summary>
    /// <param name="source">Where.</param>
    /// <param name="merchant">Whose alone; null for all.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<long> CountAsync(NpgsqlDataSource source, Guid? merchant, CancellationToken cancel)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        return (long)(decimal)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Puts the rows of an hour together where many say something of it; what they add up to stays.</summary>
    public static async Task CompactAsync(UnitOfWork work, CancellationToken cancel) =>
        await work.ExecuteAsync(
            """
            with gone as (
                delete from coupons.live_hour where (merchant_id, hour) in (
                    select merchant_id, hour from coupons.live_hour group by 1, 2 having count(*) > 16)
                returning merchant_id, hour, change
            )
            insert into coupons.live_hour (merchant_id, hour, change)
            select merchant_id, hour, sum(change) from gone group by 1, 2 having sum(change) <> 0
            """,
            [],
            cancel
        );
}
