using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>A coupon whose units are looked at for those whose time to live is over.</summary>
/// <param name="CouponId">Of the definition.</param>
/// <param name="Days">After the end of a unit.</param>
/// <param name="RefundsPaid">Whether units that were paid and not used are refunded.</param>
/// <param name="PassedId">How far the present pass has come.</param>
internal sealed record DueCoupon(long CouponId, int Days, bool RefundsPaid, long PassedId);

/// <summary>The time to live that a coupon carries.</summary>
/// <param name="CouponId">Of the definition.</param>
/// <param name="Days">Units are archived so many days after their end.</param>
/// <param name="RefundsPaid">Units that were paid and ended unused are refunded before.</param>
/// <param name="CheckedAt">When the latest daily pass was over; null before the first.</param>
/// <param name="SetBy">Who set it.</param>
/// <param name="SetAt">When.</param>
internal sealed record TimeToLive(
    long CouponId,
    int Days,
    bool RefundsPaid,
    DateTimeOffset? CheckedAt,
    string SetBy,
    DateTimeOffset SetAt
);

/// <summary>The SQL of times to live (EXP-16).</summary>
internal static class TimeToLiveStore
{
    /// <summary>Holds the coupon that was looked at longest ago, if that is a day or more; one in mid-pass goes on at once.</summary>
    public static async Task<DueCoupon?> TakeAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select coupon_id, days, refunds_paid, passed_id from expiration.time_to_live
            where checked_at < platform.clock() - interval '1 day' and exists (select from expiration.control where mode <> 'paused')
            order by checked_at, coupon_id limit 1 for update skip locked
            """
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new DueCoupon(row.GetInt64(0), row.GetInt32(1), row.GetBoolean(2), row.GetInt64(3))
            : null;
    }

    /// <summary>The next units of a coupon whose time to live is over, by id.</summary>
    public static async Task<IReadOnlyList<(UnitKey Key, bool IsPaid)>> NextAsync(
        UnitOfWork work,
        DueCoupon due,
        int limit,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select valid_until, id, state = 'paid' from coupons.instance
            where coupon_id = $1 and id > $2 and valid_until <= platform.clock() - $3 * interval '1 day' and {ChangeStore.Over}
            order by id limit {limit}
            """,
            due.CouponId,
            due.PassedId,
            due.Days
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var keys = new List<(UnitKey, bool)>();
        while (await rows.ReadAsync(cancel))
        {
            keys.Add((new UnitKey(rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1)), rows.GetBoolean(2)));
        }

        return keys;
    }

    /// <summary>Notes how far a pass has come, or that it is over.</summary>
    public static Task PassAsync(UnitOfWork work, DueCoupon due, long? passed, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            update expiration.time_to_live set passed_id = $2,
                checked_at = case when $3 then platform.clock() else checked_at end
            where coupon_id = $1
            """,
            [due.CouponId, passed ?? -1, passed is null],
            cancel
        );

    /// <summary>Sets the time to live of a coupon; its next pass is at once.</summary>
    /// <returns>False when there is no such coupon.</returns>
    public static async Task<bool> SetAsync(
        UnitOfWork work,
        long coupon,
        int days,
        bool refundsPaid,
        string actor,
        CancellationToken cancel
    )
    {
        return await work.ExecuteAsync(
                """
                insert into expiration.time_to_live (coupon_id, days, refunds_paid, set_by, set_at)
                select id, $2, $3, $4, platform.clock() from coupons.coupon where id = $1 and deleted_at is null
                on conflict (coupon_id) do update set days = excluded.days, refunds_paid = excluded.refunds_paid, passed_id = -1,
                    checked_at = '-infinity', set_by = excluded.set_by, set_at = excluded.set_at
                """,
                [coupon, days, refundsPaid, actor],
                cancel
            ) == 1;
    }

    /// <summary>Takes it away.</summary>
    /// <returns>Whether there was one.</returns>
    public static async Task<bool> RemoveAsync(UnitOfWork work, long coupon, CancellationToken cancel) =>
        await work.ExecuteAsync("delete from expiration.time_to_live where coupon_id = $1", [coupon], cancel) == 1;

    /// <summary>The time to live of a coupon.</summary>
    public static async Task<TimeToLive?> FindAsync(UnitOfWork work, long coupon, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select coupon_id, days, refunds_paid, nullif(checked_at, '-infinity'), set_by, set_at
            from expiration.time_to_live where coupon_id = $1
            """,
            coupon
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new TimeToLive(
                row.GetInt64(0),
                row.GetInt32(1),
                row.GetBoolean(2),
                row.Value<DateTimeOffset>(3),
                row.GetString(4),
                row.GetFieldValue<DateTimeOffset>(5)
            )
            : null;
    }
}
