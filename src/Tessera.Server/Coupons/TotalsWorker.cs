using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>
/// Keeps <c>coupons.total</c>, by which the list is sorted, up with the shards of <c>coupons.usage</c>. It looks at what
/// was written since its pass before, all at its first; of nodes that run it at once one does the work. It also puts the
/// counts of <see cref="LiveCoupons"/> together.
/// </summary>
internal sealed class TotalsWorker(Database database, TimeProvider clock, ILogger<TotalsWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(3))
{
    // Rows of usage changed by the oldest transaction that was not seen whole, or by a later one, are looked at.
    private long? _seenBelow;
    private long? _written;
    private long? _noted;

    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        // One pass at a time: one that summed up before another would write what is over after it.
        await using (
            var alone = work.Command("select pg_try_advisory_xact_lock(hashtextextended('coupons.totals', 0))")
        )
        {
            if (await alone.ExecuteScalarAsync(cancel) is not true)
            {
                return false;
            }
        }

        var written = await WrittenAsync(work, "coupons.usage", cancel);
        var noted = await WrittenAsync(work, "coupons.live_hour", cancel);
        if (written == _written && noted == _noted && _seenBelow is not null)
        {
            return false;
        }

        if (noted != _noted)
        {
            await LiveCoupons.CompactAsync(work, cancel);
        }

        long open;
        await using (var oldest = work.Command("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
        {
            open = (long)(await oldest.ExecuteScalarAsync(cancel))!;
        }

        await work.ExecuteAsync(
            """
            with due as materialized (
                select distinct coupon_id from coupons.usage
                where $1::bigint is null or age(xmin) <= age(($1 % 4294967296)::text::xid)
            ), sums as (
                select u.coupon_id, sum(u.redeemed_count) as redeemed_count, sum(u.refused_count) as refused_count,
                    sum(u.revenue_minor) as revenue_minor, coalesce(max(u.last_used_at), '-infinity') as last_used_at
                from due join coupons.usage u on u.coupon_id = due.coupon_id
                group by u.coupon_id
            ), changed as materialized (
                select s.* from sums s join coupons.total t on t.coupon_id = s.coupon_id
                where (t.redeemed_count, t.refused_count, t.revenue_minor, t.last_used_at)
                    is distinct from (s.redeemed_count, s.refused_count, s.revenue_minor, s.last_used_at)
                order by s.coupon_id
                for no key update of t
            )
            update coupons.total t set redeemed_count = s.redeemed_count, refused_count = s.refused_count,
                revenue_minor = s.revenue_minor, last_used_at = s.last_used_at
            from changed s where t.coupon_id = s.coupon_id
            """,
            [new NpgsqlParameter { Value = _seenBelow ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint }],
            cancel
        );
        await work.CommitAsync(cancel);
        (_seenBelow, _written, _noted) = (open, written, noted);
        return false;
    }

    /// <summary>How often a table was written to, so that an idle server does not read it for nothing.</summary>
    private static async Task<long?> WrittenAsync(UnitOfWork work, string table, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select n_tup_ins + n_tup_upd from pg_stat_all_tables where relid = $1::regclass",
            table
        );
        return (long?)await query.ExecuteScalarAsync(cancel);
    }
}
