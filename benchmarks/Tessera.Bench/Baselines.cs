namespace Tessera.Bench;

/// <summary>
/// What an application without lanes would do to the same effect: the same rows in the product's own tables, with their
/// indexes and constraints, but for the figures of usage. Naive is a transaction of single statements: lock, check,
/// update, insert; informed is one statement. Codes are C1, C2, …, of a coupon of their own; each client of each run
/// uses a range of its own, so that none is used twice. Customers are many, so that they do not wait for one another.
/// </summary>
internal static class Baselines
{
    private const int Customers = 100_000;

    /// <summary>The account of a customer's uses: product and baseline find it by a hash.</summary>
    private const string Account = "md5('account' || :c::text)::uuid";

    private const string Customer = "md5('customer' || :c::text)::uuid";

    private const string Client = "'00000000-0000-0000-0000-000000000000'";

    private const string RedemptionColumns =
        "(id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code, customer_id, client_id, order_reference, "
        + "order_minor, discount_minor, currency, valid_from, valid_until, decided_at, idempotency_key)";

    private const string EventColumns =
        "(id, aggregatetype, aggregateid, type, sequence, actor, correlation_id, payload, created_at)";

    private const string InstanceColumns =
        "(id, valid_until, coupon_id, customer_id, valid_from, state, prior_state, version)";

    private const string AccountColumns = "(id, kind, owner_id, subject, unit, bound, posted)";

    private const string Counted =
        "on conflict (id) do update set posted = a.posted + 1 where a.posted + a.pending < a.bound";

    private const string KeptBody =
        "convert_to(json_build_object('id', gen_random_uuid(), 'discount_minor', 500, 'order', repeat('x', 300))::text, 'UTF8')";

    /// <summary>Coupons, units and customers of the baselines.</summary>
    /// <param name="units">Codes there are.</param>
    public static string Schema(int units) =>
        $$"""
            insert into coupons.coupon (code, code_kind, internal_name, description, discount_type, discount_percent,
                max_uses_total, max_uses_per_user, valid_from, is_active, created_by)
            select code, kind, 'Baseline', '{"en": "Baseline"}', 'percentage', 10, uses, 10,
                clock_timestamp() - interval '1 day', true, 'bench'
            from (values ('NAIVE', 'unique', null), ('NAIVEHOT', 'shared', 1000000000)) v (code, kind, uses);
            insert into coupons.code (code, coupon_id) select code, id from coupons.coupon where code like 'NAIVE%';
            create sequence coupons.baseline_unit start 2000000000000;
            create table coupons.baseline as select
                (select id from coupons.coupon where code = 'NAIVE') as coupon,
                (select id from coupons.coupon where code = 'NAIVEHOT') as hot;
            insert into access.customer (id) select md5('customer' || n)::uuid from generate_series(0, {{Customers
                - 1}}) n;
            insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
            select 1000000000000 + n, date_trunc('day', clock_timestamp()) + (2 + n % 90) * interval '1 day' + interval '12 hours',
                (select coupon from coupons.baseline), 'C' || n, clock_timestamp() - interval '1 day'
            from generate_series(1, {{units}}) n;
            insert into coupons.code (code, coupon_id, instance_id, valid_until)
            select code, coupon_id, id, valid_until from coupons.instance where coupon_id = (select coupon from coupons.baseline);
            insert into balances.account (id, kind, owner_id, unit, bound) select md5('hot')::uuid, 'coupon_uses', hot, 'use', 1000000000
            from coupons.baseline;
            analyze;
            """;

    public static string Naive(int perClient) =>
        $$"""
            \set n :n + 1
            \set k :base + :client_id * {{perClient}} + :n
            \set c random(0, {{Customers - 1}})
            select status from platform.idempotency where key = md5('order-' || :k::text)::uuid;
            begin;
            select i.id as unit, i.valid_until as ends, i.valid_from as starts, i.coupon_id as coupon, i.state, i.customer_id
            from coupons.code m join coupons.instance i on i.valid_until = m.valid_until and i.id = m.instance_id
            where m.code = 'C' || :k::text for update of i \gset
            select * from coupons.coupon where id = :coupon for share;
            select id from access.customer where id = {{Customer}};
            insert into balances.account as a {{AccountColumns}}
            values ({{Account}}, 'coupon_customer_uses', :coupon, {{Customer}}::text, 'use', 10, 1) {{Counted}};
            update coupons.instance set state = 'redeemed', prior_state = state, version = version + 1
            where valid_until = :ends and id = :unit;
            insert into redemptions.redemption {{RedemptionColumns}}
            values (md5('redemption' || :k::text)::uuid, :coupon, 1, :unit, :ends, false, {{Customer}}, {{Client}}, 'order-' || :k::text, 5000, 500,
                'USD', :starts, :ends, clock_timestamp(), md5('order-' || :k::text)::uuid);
            insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
            values (md5('redemption' || :k::text)::uuid, 'post', md5('redemption' || :k::text)::uuid, array[{{Account}}], '{1}', clock_timestamp());
            insert into platform.event {{EventColumns}} values (gen_random_uuid(), 'instance', :unit::bigint::text, 'coupon.state_changed', 2,
                'bench', 'order-' || :k::text, {{Payload}}, clock_timestamp());
            insert into platform.idempotency (key, request_hash, status, body)
            values (md5('order-' || :k::text)::uuid, gen_random_uuid(), 201, {{KeptBody}});
            commit;
            """;

    public static string Informed(int perClient) =>
        $$"""
            \set n :n + 1
            \set k :base + :client_id * {{perClient}} + :n
            \set c random(0, {{Customers - 1}})
            with held as (
                update coupons.instance i set state = 'redeemed', prior_state = i.state, version = i.version + 1
                from coupons.code m, coupons.coupon p, access.customer u
                where m.code = 'C' || :k::text and i.valid_until = m.valid_until and i.id = m.instance_id and i.state = 'issued'
                    and p.id = i.coupon_id and p.is_active and u.id = {{Customer}}
                    and i.valid_from <= clock_timestamp() and clock_timestamp() < i.valid_until
                returning i.id, i.coupon_id, i.valid_from, i.valid_until, (5000 * p.discount_percent / 100)::bigint as discount,
                    gen_random_uuid() as redemption
            ), counted as (
                insert into balances.account as a {{AccountColumns}}
                select {{Account}}, 'coupon_customer_uses', coupon_id, {{Customer}}::text, 'use', 10, 1 from held {{Counted}} returning id
            ), made as (
                insert into redemptions.redemption {{RedemptionColumns}}
                select redemption, coupon_id, 1, h.id, valid_until, false, {{Customer}}, {{Client}}, 'order-' || :k::text, 5000, discount, 'USD',
                    valid_from, valid_until, clock_timestamp(), md5('order-' || :k::text)::uuid from held h, counted
            ), moved as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select redemption, 'post', redemption, array[c.id], '{1}', clock_timestamp() from held, counted c
            ), told as (
                insert into platform.event {{EventColumns}} select gen_random_uuid(), 'instance', id::text, 'coupon.state_changed', 2,
                    'bench', 'order-' || :k::text, {{Payload}}, clock_timestamp() from held
            )
            insert into platform.idempotency (key, request_hash, status, body)
            select md5('order-' || :k::text)::uuid, gen_random_uuid(), 201, {{KeptBody}} from held;
            """;

    public static string NaiveHot =>
        $$"""
            \set n :n + 1
            \set c random(0, {{Customers - 1}})
            select status from platform.idempotency where key = md5('hot-{{Marks}}')::uuid;
            begin;
            select hot as coupon from coupons.baseline \gset
            select * from coupons.coupon where id = :coupon for share;
            select id from access.customer where id = {{Customer}};
            select posted from balances.account where id = md5('hot')::uuid for update;
            update balances.account set posted = posted + 1 where id = md5('hot')::uuid and posted < bound;
            insert into balances.account as a {{AccountColumns}}
            values (md5('hot' || :c::text)::uuid, 'coupon_customer_uses', :coupon, {{Customer}}::text, 'use', 1000000, 1) {{Counted}};
            select nextval('coupons.baseline_unit') as unit \gset
            insert into coupons.instance {{InstanceColumns}} values (:unit, 'infinity', :coupon, {{Customer}}, clock_timestamp(), 'redeemed',
                'issued', 2);
            insert into redemptions.redemption {{RedemptionColumns}}
            values (md5('hot-{{Marks}}')::uuid, :coupon, 1, :unit, 'infinity', true, {{Customer}}, {{Client}}, 'hot-{{Marks}}', 5000, 500, 'USD',
                '2020-01-01', 'infinity', clock_timestamp(), md5('hot-{{Marks}}')::uuid);
            insert into balances.transfer (id, kind, reference, account_ids, amounts, at) values (md5('hot-{{Marks}}')::uuid, 'post',
                md5('hot-{{Marks}}')::uuid, array[md5('hot')::uuid, md5('hot' || :c::text)::uuid], '{1,1}', clock_timestamp());
            insert into platform.event {{EventColumns}} values (gen_random_uuid(), 'instance', :unit::bigint::text, 'coupon.state_changed', 2,
                'bench', 'hot', {{Payload}}, clock_timestamp());
            insert into platform.idempotency (key, request_hash, status, body)
            values (md5('hot-{{Marks}}')::uuid, gen_random_uuid(), 201, {{KeptBody}});
            commit;
            """;

    public static string InformedHot =>
        $$"""
            \set n :n + 1
            \set c random(0, {{Customers - 1}})
            with held as (
                update balances.account a set posted = a.posted + 1 from coupons.baseline b, coupons.coupon p, access.customer u
                where a.id = md5('hot')::uuid and a.posted < a.bound and p.id = b.hot and p.is_active and u.id = {{Customer}}
                returning nextval('coupons.baseline_unit') as id, p.id as coupon_id, (5000 * p.discount_percent / 100)::bigint as discount,
                    gen_random_uuid() as redemption
            ), counted as (
                insert into balances.account as a {{AccountColumns}}
                select md5('hot' || :c::text)::uuid, 'coupon_customer_uses', coupon_id, {{Customer}}::text, 'use', 1000000, 1 from held
                {{Counted}} returning id
            ), used as (
                insert into coupons.instance {{InstanceColumns}}
                select h.id, 'infinity', coupon_id, {{Customer}}, clock_timestamp(), 'redeemed', 'issued', 2 from held h, counted
            ), made as (
                insert into redemptions.redemption {{RedemptionColumns}}
                select redemption, coupon_id, 1, h.id, 'infinity', true, {{Customer}}, {{Client}}, 'hot-{{Marks}}', 5000, discount, 'USD',
                    '2020-01-01', 'infinity', clock_timestamp(), md5('hot-{{Marks}}')::uuid from held h, counted
            ), moved as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select redemption, 'post', redemption, array[md5('hot')::uuid, c.id], '{1,1}', clock_timestamp() from held, counted c
            ), told as (
                insert into platform.event {{EventColumns}} select gen_random_uuid(), 'instance', id::text, 'coupon.state_changed', 2,
                    'bench', 'hot', {{Payload}}, clock_timestamp() from held
            )
            insert into platform.idempotency (key, request_hash, status, body)
            select md5('hot-{{Marks}}')::uuid, gen_random_uuid(), 201, {{KeptBody}} from held;
            """;

    /// <summary>Names one hot use.</summary>
    private const string Marks = "' || :base::text || '-' || :client_id::text || '-' || :n::text || '";

    private const string Payload =
        "jsonb_build_object('from', 'issued', 'to', 'redeemed', 'cause', 'redemption', 'coupon_id', 1, 'order_minor', 5000, "
        + "'discount_minor', 500, 'currency', 'USD')";
}
