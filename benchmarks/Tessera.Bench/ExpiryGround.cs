using System.Globalization;
using Npgsql;

namespace Tessera.Bench;

/// <summary>Units that have come due: of a hundred coupons of ten merchants in two campaigns, one in ninety-seven called off.</summary>
internal static class ExpiryGround
{
    private const int Coupons = 100;

    /// <summary>Makes merchants, campaigns, coupons and two partners, once.</summary>
    public static Task PrepareAsync(Ground ground) =>
        ground.ExecuteAsync(
            $"""
            insert into access.merchant (id, name) select gen_random_uuid(), 'Merchant ' || n from generate_series(1, 10) n;
            insert into campaigns.campaign (id, name, start_at, budget_minor, budget_currency, created_by)
            select 'campaign-' || n, 'Campaign', clock_timestamp() - interval '90 days', 1000000000000, 'USD', 'job:bench'
            from generate_series(1, 2) n;
            insert into coupons.coupon (code, code_kind, internal_name, description, discount_type, discount_minor, valid_from, is_active,
                merchant_id, campaign_id, created_by)
            select 'ENDING' || n, 'unique', 'Ending', '{"{"}"en": "Ending"{"}"}', 'fixed_amount', 500, clock_timestamp() - interval '90 days', true,
                (select id from access.merchant order by name offset n % 10 limit 1), 'campaign-' || (1 + n % 2), 'job:bench'
            from generate_series(1, {Coupons}) n;
            insert into connectors.connector (id, name, kind, address, encoding, acknowledgement, can_schedule, batch_size, concurrency,
                sla_seconds, timeout_seconds, callback_seconds, manual_after_seconds, is_active)
            select gen_random_uuid(), 'Partner ' || n, 'internal', '', 'batch', 'sync', false, 10000, 1, 60, 10, 60, 600, true
            from generate_series(1, 2) n
            """
        );

    /// <summary>Issues units that have ended by now, in some hours, with the events of what happened to them.</summary>
    /// <param name="ground">Where.</param>
    /// <param name="units">How many.</param>
    /// <param name="hoursAgo">The latest of the hours they end in.</param>
    /// <param name="hours">How many hours.</param>
    /// <returns>How many of them are live, and so have to be told.</returns>
    public static async Task<long> IssueAsync(Ground ground, long units, int hoursAgo, int hours)
    {
        await using var command = ground.Owner.CreateCommand(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                set timezone = 'UTC';
                select coupons.ensure_instance_months(array(
                    select clock_timestamp() - n * interval '1 hour' from generate_series({hoursAgo}, {hoursAgo
                    + hours}) n));
                create temp table made as
                select c.id as coupon_id, c.merchant_id, c.campaign_id, b.first * 1024 as first,
                    b.first * 1024 + {units / Coupons} - 1 as last,
                    date_trunc('hour', clock_timestamp()) - interval '{hoursAgo} hours' - (c.place % {hours}) * interval '1 hour'
                        + (c.place % 12) * interval '5 minutes' as ends_at
                from (select *, row_number() over (order by id) as place from coupons.coupon where code like 'ENDING%') c
                cross join lateral (select nextval('coupons.instance_block') as first, c.id) b;
                select setval('coupons.instance_block', (select max(first) / 1024 from made) + {units / 1024
                    + Coupons
                    + 1});
                -- One block was taken for each coupon; what lies behind them has room for all.
                update made set first = m.first, last = m.first + {units / Coupons} - 1 from (
                    select coupon_id, (select max(first) from made) + 1024 + (row_number() over (order by coupon_id) - 1)
                        * ({units / Coupons} + 1024 - ({units / Coupons}) % 1024) as first
                    from made) m where m.coupon_id = made.coupon_id;
                select setval('coupons.instance_block', (select max(last) / 1024 from made) + 1);
                insert into coupons.instance (id, valid_until, coupon_id, code, merchant_id, campaign_id, channel, valid_from, state, version)
                select n, ends_at, coupon_id, 'U' || n, merchant_id, campaign_id, 'shop', ends_at - interval '30 days',
                    case when n % 97 = 0 then 'cancelled' else 'issued' end, case when n % 97 = 0 then 2 else 1 end
                from (select * from made order by ends_at, first) m cross join lateral generate_series(m.first, m.last) n;
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', coupon_id::text, 'coupon.instances_issued', first, 'job:bench',
                    jsonb_build_object('first_id', first, 'last_id', last), clock_timestamp() from made;
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', coupon_id::text, 'coupon.state_changed', n, 'job:bench',
                    jsonb_build_object('from', 'issued', 'to', 'cancelled', 'cause', 'cancellation', 'version', 1,
                        'runs', jsonb_agg(jsonb_build_array(id, id))), clock_timestamp()
                from (select coupon_id, id, id / 50000 as n from made cross join lateral generate_series(first, last) id where id % 97 = 0) c
                group by coupon_id, n;
                select sum(last - first + 1 - (last / 97 - (first - 1) / 97))::bigint from made;
                drop table made
                """
            )
        );
        var live = 0L;
        await using var rows = await command.ExecuteReaderAsync();
        do
        {
            while (await rows.ReadAsync())
            {
                live = rows.GetValue(0) is long last ? last : live;
            }
        } while (await rows.NextResultAsync());
        return live;
    }

    /// <summary>
    /// As if the near-time path had read of all units when they were issued, months ago: units that end before they are
    /// issued are nobody's daily work.
    /// </summary>
    public static async Task FollowedAsync(Ground ground)
    {
        await ExpiryNode.SealAsync(ground.Database);
        await ground.SealedAsync();
        await ground.ExecuteAsync("update expiration.follower set place = (select seq from audit.seal)");
    }

    /// <summary>
    /// What the pipeline writes, as one statement of its own: the same events, traces, releases and commands out of the same
    /// units, into tables like the product's, without jobs, leases, fences, steps or a program around it.
    /// </summary>
    public const string BareTables = """
        create schema if not exists bare;
        drop table if exists bare.event, bare.trace, bare.freed, bare.batch, bare.command;
        create table bare.event (like platform.event including all);
        create table bare.trace (like expiration.batch including all);
        create table bare.freed (owner text not null, kind text not null, amount bigint not null, primary key (kind, owner));
        create table bare.batch (like connectors.batch including all);
        create table bare.command (like connectors.command including all);
        """;

    public const string Bare = """
        with due as (
            select id, valid_until, coupon_id, merchant_id, campaign_id, channel, state, version from coupons.instance
            where valid_until >= $1 and valid_until < $2 and state in ('issued', 'paid', 'extended', 'pending_expiration')
        ), run as (
            select coupon_id, merchant_id, campaign_id, channel, state, version, min(id) as first, max(id) as last, count(*) as units,
                min(valid_until) as ends_from, max(valid_until) as ends_until
            from (select *, id - row_number() over (partition by coupon_id, merchant_id, campaign_id, channel, state, version
                order by id) as island from due) i
            group by coupon_id, merchant_id, campaign_id, channel, state, version, island
        ), cut as (
            select *, (row_number() over (partition by coupon_id, merchant_id, campaign_id, channel, state, version order by first) - 1)
                / 500 as part from run
        ), batch as materialized (
            select gen_random_uuid() as event_id, coupon_id, merchant_id, campaign_id, channel, state, version,
                sum(units)::bigint as units, min(first) as first_id, max(last) as last_id, min(ends_from) as ends_from,
                max(ends_until) as ends_until, jsonb_agg(jsonb_build_array(first, last) order by first) as list,
                range_agg(int8range(first, last + 1)) as runs
            from cut group by coupon_id, merchant_id, campaign_id, channel, state, version, part
        ), event as (
            insert into bare.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            select event_id, 'coupon', coupon_id::text, 'coupon.expired', first_id, 'job:bare', jsonb_build_object('from', state,
                'to', 'expired', 'cause', 'end_reached', 'version', version, 'units', units, 'runs', list, 'ends_from', ends_from,
                'ends_until', ends_until, 'merchant_id', merchant_id, 'campaign_id', campaign_id, 'channel', channel),
                clock_timestamp()
            from batch
        ), trace as (
            insert into bare.trace (id, coupon_id, merchant_id, campaign_id, channel, from_state, version, runs, first_id, last_id,
                units, ends_from, ends_until, cause, created_at)
            select event_id, coupon_id, merchant_id, campaign_id, channel, state, version, runs, first_id, last_id, units, ends_from,
                ends_until, 'end_reached', clock_timestamp() from batch
        ), units as (
            insert into bare.freed select coupon_id::text, 'units', sum(units) from batch group by coupon_id
        ), budget as (
            insert into bare.freed select b.campaign_id, 'budget', sum(b.units * c.discount_minor) from batch b
            join coupons.coupon c on c.id = b.coupon_id group by b.campaign_id
        ), told as (
            insert into bare.batch (kind, subject, merchant_id, channel, ids, ends_at, is_early)
            select 'disable', 'instance', merchant_id, channel, array_agg(id order by id), max(valid_until), false
            from (select *, (row_number() over (partition by merchant_id, channel order by id) - 1) / 10000 as part from due) d
            group by merchant_id, channel, part
            returning id, cardinality(ids) as size
        )
        insert into bare.command (connector_id, batch_id, kind, size, chunk, due_at)
        select c.id, told.id, 'disable', told.size, 10000, clock_timestamp() from told cross join connectors.connector c
        """;
}
