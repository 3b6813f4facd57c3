using Npgsql;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Expiration;

/// <summary>The SQL of notices: which ends have to be told of, once each.</summary>
internal static class NoticeStore
{
    /// <summary>The lengths of notice that regions ask for, in days.</summary>
    public static async Task<IReadOnlyList<int>> LengthsAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select distinct coupon_notice_days from regions.region where coupon_notice_days > 0 order by 1"
        );
        var lengths = new List<int>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            lengths.Add(rows.GetInt32(0));
        }

        return lengths;
    }

    /// <summary>How far the look of a length has come, held; it begins at the present.</summary>
    public static async Task<(UnitKey Seen, DateTimeOffset RestartedAt)> HoldAsync(
        UnitOfWork work,
        int days,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into expiration.notice_look (notice_days, seen_at, seen_id, restarted_at)
            values ($1, platform.clock(), 0, platform.clock()) on conflict do nothing
            """,
            [days],
            cancel
        );
        await using var query = work.Command(
            "select seen_at, seen_id, restarted_at from expiration.notice_look where notice_days = $1 for update",
            days
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (
            new UnitKey(row.GetFieldValue<DateTimeOffset>(0), row.GetInt64(1)),
            row.GetFieldValue<DateTimeOffset>(2)
        );
    }

    /// <summary>Keeps how far the look has come.</summary>
    public static Task AdvanceAsync(
        UnitOfWork work,
        int days,
        UnitKey seen,
        DateTimeOffset restartedAt,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            "update expiration.notice_look set seen_at = $2, seen_id = $3, restarted_at = $4 where notice_days = $1",
            [days, seen.EndsAt, seen.Id, restartedAt],
            cancel
        );

    /// <summary>Looks at the next units and tells of those whose holders have to know, unless it was told before.</summary>
    /// <returns>Units looked at, units told of, and the last looked at.</returns>
    public static async Task<(long Seen, long Told, UnitKey? Last)> TellUnitsAsync(
        UnitOfWork work,
        int days,
        UnitKey after,
        DateTimeOffset until,
        int limit,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            with seen as materialized (
                select valid_until, id, coupon_id, merchant_id, campaign_id, customer_id, state from coupons.instance
                where (valid_until, id) > ($2, $3) and valid_until <= $4 order by valid_until, id limit {limit}
            ), due as materialized (
                select s.valid_until, s.id, s.coupon_id, s.merchant_id, s.campaign_id, r.id as region
                from seen s join access.customer cu on cu.id = s.customer_id
                left join access.merchant m on m.id = s.merchant_id
                cross join lateral regions.rule_of({RegionRules.PlaceOfUnit}) r
                where {BatchSql.Live} and r.coupon_notice_days = $1
            ), told as (
                insert into expiration.notice (valid_until, subject_id, is_unit)
                select valid_until, id, true from due on conflict do nothing returning valid_until, subject_id
            ), cut as (
                select d.*, (row_number() over (partition by d.coupon_id, d.region order by d.id) - 1)
                    / {Buckets.RunsPerEvent} as part
                from due d join told t on t.valid_until = d.valid_until and t.subject_id = d.id
            ), batch as (
                select coupon_id, merchant_id, campaign_id, region, count(*) as units, min(id) as first_id,
                    min(valid_until) as ends_from, max(valid_until) as ends_until, range_agg(int8range(id, id + 1)) as runs
                from cut group by coupon_id, merchant_id, campaign_id, region, part
            ), event as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', coupon_id::text, 'coupon.expiry_notice_due', first_id, '{Sweeper.Actor}',
                    jsonb_build_object('coupon_id', coupon_id, 'region', region, 'notice_days', $1, 'units', units,
                        'runs', (select jsonb_agg(jsonb_build_array(lower(x), upper(x) - 1) order by lower(x)) from unnest(runs) x),
                        'ends_from', {BatchSql.Wire("ends_from")}, 'ends_until', {BatchSql.Wire("ends_until")},
                        'merchant_id', merchant_id, 'campaign_id', campaign_id), platform.clock()
                from batch
            )
            select (select count(*) from seen), (select count(*) from told), l.valid_until, l.id
            from (select) one left join lateral (
                select valid_until, id from seen order by valid_until desc, id desc limit 1) l on true
            """,
            days,
            after.EndsAt,
            after.Id,
            until
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (
            row.GetInt64(0),
            row.GetInt64(1),
            row.IsDBNull(2) ? null : new UnitKey(row.GetFieldValue<DateTimeOffset>(2), row.GetInt64(3))
        );
    }

    /// <summary>Tells of coupons with a shared code that are within the notice of their merchant's region.</summary>
    /// <returns>How many were told of.</returns>
    public static async Task<int> TellCouponsAsync(UnitOfWork work, int mostDays, int limit, CancellationToken cancel)
    {
        var now = await work.ClockAsync(cancel);
        await using var query = work.Command(
            $"""
            with due as materialized (
                select c.id, c.valid_until, c.version, c.merchant_id, c.campaign_id, r.id as region, r.coupon_notice_days as days
                from coupons.coupon c left join access.merchant m on m.id = c.merchant_id
                cross join lateral regions.rule_of(m.region) r
                where c.valid_until > $1 and c.valid_until <= $2
                    and c.valid_until <= $1 + make_interval(days => r.coupon_notice_days + {Notices.LeadDays})
                    and r.coupon_notice_days > 0
                    and c.deleted_at is null and c.is_active and c.code_kind = 'shared'
                    and not exists (select from expiration.notice n
                        where n.valid_until = c.valid_until and n.subject_id = c.id and not n.is_unit)
                order by c.valid_until, c.id limit {limit}
            ), told as (
                insert into expiration.notice (valid_until, subject_id, is_unit)
                select valid_until, id, false from due on conflict do nothing returning subject_id
            ), event as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', d.id::text, 'coupon.expiry_notice_due', d.version, '{Sweeper.Actor}',
                    jsonb_build_object('coupon_id', d.id, 'region', d.region, 'notice_days', d.days, 'valid_until', {BatchSql.Wire(
                "d.valid_until"
            )}, 'merchant_id', d.merchant_id, 'campaign_id', d.campaign_id), $1
                from due d join told t on t.subject_id = d.id
            )
            select count(*)::integer from told
            """,
            now,
            now.AddDays(mostDays + Notices.LeadDays)
        );
        return (int)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Deletes what is of no use any more: notices of ends that have passed, looks of lengths nobody asks for.</summary>
    public static async Task ForgetAsync(UnitOfWork work, IReadOnlyList<int> lengths, CancellationToken cancel)
    {
        await work.ExecuteAsync(
            "delete from expiration.notice where valid_until < platform.clock() - interval '1 day'",
            [],
            cancel
        );
        await work.ExecuteAsync(
            "delete from expiration.notice_look where notice_days <> all ($1)",
            [lengths.ToArray()],
            cancel
        );
    }
}
