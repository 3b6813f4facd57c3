namespace Tessera.Bench;

/// <summary>
/// The naive transaction on tables as bare as they can be, without limits, keys and constraints: less than the product
/// does, and told beside it. Codes are C1, C2, …; each client of each run uses a range of its own.
/// </summary>
internal static class BareBaselines
{
    public static string Schema(int units) =>
        $"""
            create schema if not exists bare;
            create table bare.coupon (id bigint primary key, percent integer not null, is_active boolean not null,
                used bigint not null default 0, max_uses bigint) with (fillfactor = 50);
            create table bare.instance (id bigint primary key, code text not null unique, coupon_id bigint not null,
                state text not null, valid_from timestamptz not null, valid_until timestamptz not null) with (fillfactor = 85);
            create table bare.redemption (id uuid primary key, instance_id bigint unique, coupon_id bigint not null,
                order_reference text not null, order_minor bigint not null, discount_minor bigint not null,
                decided_at timestamptz not null);
            create table bare.event (position bigint generated always as identity primary key, id uuid not null,
                aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb not null,
                created_at timestamptz not null);
            insert into bare.coupon values (1, 10, true, 0, 1000000000);
            insert into bare.instance select n, 'C' || n, 1, 'issued', clock_timestamp() - interval '1 day',
                clock_timestamp() + interval '90 days' from generate_series(1, {units}) n;
            """;

    public static string Naive(int perClient) =>
        $"""
            \set n :n + 1
            \set k :base + :client_id * {perClient} + :n
            begin;
            select id, coupon_id, state, valid_from, valid_until, clock_timestamp() from bare.instance where code = 'C' || :k for update;
            select percent, is_active from bare.coupon where id = 1;
            update bare.instance set state = 'redeemed' where id = :k;
            insert into bare.redemption values (gen_random_uuid(), :k, 1, 'order-' || :k, 5000, 500, clock_timestamp());
            insert into bare.event (id, aggregatetype, aggregateid, type, payload, created_at) values (gen_random_uuid(), 'instance',
                :k::text, 'coupon.state_changed', '{"{"}"from": "issued", "to": "redeemed", "discount_minor": 500{"}"}', clock_timestamp());
            commit;
            """;
}
