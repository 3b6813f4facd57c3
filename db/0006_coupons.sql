-- 0006_coupons.sql: coupons (definitions), instances (units), codes (the flat map), services and consultants.

create schema coupons;
create extension if not exists pg_trgm;

create table coupons.service (
    id            text        primary key check (id ~ '^[a-z0-9_-]{1,64}$'),
    name          text        not null check (name <> ''),
    session_types text[]      not null default '{}',
    version       integer     not null default 1,
    created_at    timestamptz not null default clock_timestamp()
);
insert into coupons.service (id, name, session_types) values
    ('book_a_meeting', 'Book a meeting', '{video,phone,in_person}'),
    ('30_for_30', '30 for 30', '{video,phone}');

create table coupons.consultant (
    id         integer     primary key check (id > 0),
    name       text        not null check (name <> ''),
    is_active  boolean     not null default true,
    created_at timestamptz not null default clock_timestamp()
);

create table coupons.coupon (
    id                        bigint      generated always as identity primary key,
    code                      text        not null collate "C" check (code ~ '\A[A-Z0-9_-]{3,20}\Z'),
    code_kind                 text        not null default 'shared' check (code_kind in ('shared', 'unique')),
    distribution              text        not null default 'code' check (distribution in ('public', 'private', 'code')),
    internal_name             text        not null check (char_length(internal_name) between 3 and 100),
    description               jsonb       not null,          -- locale -> text; 'en' always there (CPN-12)
    discount_type             text        not null check (discount_type in ('percentage', 'fixed_amount', 'free_session')),
    discount_percent          numeric(6, 3) check (discount_percent between 1 and 100),
    discount_minor            bigint      check (discount_minor > 0),
    currency                  text        not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    max_discount_minor        bigint      check (max_discount_minor > 0),
    minimum_order_minor       bigint      not null default 0 check (minimum_order_minor >= 0),
    maximum_order_minor       bigint      check (maximum_order_minor >= minimum_order_minor),
    max_uses_total            bigint      check (max_uses_total > 0),
    max_uses_per_user         integer     not null default 1 check (max_uses_per_user between 1 and 10),
    valid_from                timestamptz not null,
    valid_until               timestamptz not null default 'infinity',
    time_zone                 text        not null default 'UTC',
    applicable_to             text        not null default 'all' check (applicable_to in
                                  ('all', 'book_a_meeting', '30_for_30', 'specific_consultants', 'first_time_users')),
    consultant_restrictions   integer[],
    service_type_restrictions text[],
    eligible_services         text[],                         -- services a free session may be
    channels                  text[],                         -- null: every channel
    products                  text[],                         -- SKUs the coupon is good for; null: every product
    campaign_id               text        references campaigns.campaign,
    campaign_role             text        check (campaign_role in ('primary', 'secondary', 'fallback')),
    merchant_id               uuid        references access.merchant,
    campaign_source           text,
    utm_source                text,
    utm_medium                text,
    utm_campaign              text,
    notes                     text,
    is_active                 boolean     not null default false,
    is_flagged                boolean     not null default false,
    external_id               text        unique,
    version                   bigint      not null default 1,
    created_by                text        not null,
    created_at                timestamptz not null default clock_timestamp(),
    updated_at                timestamptz not null default clock_timestamp(),
    deleted_at                timestamptz,
    constraint the_window_has_a_length check (valid_from < valid_until),
    constraint a_discount_has_its_value check (case discount_type
        when 'percentage' then discount_percent is not null and discount_minor is null
        when 'fixed_amount' then discount_minor is not null and discount_percent is null
        else discount_percent = 100 and discount_minor is null end)
);

create index coupon_newest on coupons.coupon (created_at desc, id desc) where deleted_at is null;
create index coupon_by_end on coupons.coupon (valid_until, id) where deleted_at is null;
create index coupon_by_merchant on coupons.coupon (merchant_id, id) where merchant_id is not null;
create index coupon_by_campaign on coupons.coupon (campaign_id, id) where campaign_id is not null;
create index coupon_by_source on coupons.coupon (campaign_source, id) where campaign_source is not null;
create index coupon_by_words on coupons.coupon using gin (
    (code || ' ' || internal_name || ' ' || coalesce(description ->> 'en', '') || ' ' || coalesce(campaign_source, ''))
    gin_trgm_ops);

-- What redemption counts per coupon (A.2 usage, revenue, conversion; lastUsed). Separate, so that a use never
-- rewrites the definition; in shards, so that two lanes never wait for one another's count. Read as the sum of the
-- shards (view coupons.usage_total); created with the first attempt.
create table coupons.usage (
    coupon_id      bigint      not null references coupons.coupon,
    shard          smallint    not null,                     -- of the lane that counts
    redeemed_count bigint      not null default 0,           -- uses taken: redemptions less those whose use was returned
    refused_count  bigint      not null default 0,
    revenue_minor  bigint      not null default 0,           -- net paid on orders that used it (R-19)
    discount_minor bigint      not null default 0,
    last_used_at   timestamptz,
    primary key (coupon_id, shard)
) with (fillfactor = 50);

create view coupons.usage_total as
    select coupon_id, sum(redeemed_count)::bigint as redeemed_count, sum(refused_count)::bigint as refused_count,
           sum(revenue_minor)::bigint as revenue_minor, sum(discount_minor)::bigint as discount_minor,
           max(last_used_at) as last_used_at
    from coupons.usage group by coupon_id;

-- Units with a life of their own (CPN-05, A.18). By month of their end, so that a due range touches only its months and
-- a past month can be detached; then by hash of the id, so that a million ends at one instant spread (CPN-17, R-12). The
-- key leads with the end: it finds a unit, and the units that are due, without a second index. Months and not days: a
-- batch of redemptions meets units of many days, and each partition it meets costs it a plan or a pruning.
-- Partitions are made by coupons.ensure_instance_months before the first unit ends in that month.
create table coupons.instance (
    id             bigint      not null,
    valid_until    timestamptz not null,
    coupon_id      bigint      not null,
    code           text        collate "C",                  -- null: a unit of a shared code
    customer_id    uuid,                                      -- the holder, where there is one
    merchant_id    uuid,
    campaign_id    text,
    channel        text,
    valid_from     timestamptz not null,
    state          text        not null default 'issued' check (state in ('issued', 'paid', 'reserved', 'redeemed',
                       'pending_expiration', 'expired', 'extended', 'archived', 'cancelled', 'revoked', 'refunded')),
    prior_state    text,                                      -- where a release or an undone redemption returns to
    reservation_id uuid,
    reserved_until timestamptz,
    version        bigint      not null default 1,
    constraint the_window_has_a_length check (valid_from < valid_until),
    constraint a_reservation_has_an_end check ((state = 'reserved') = (reserved_until is not null)),
    primary key (valid_until, id)
) partition by range (valid_until);

-- Ids are handed out in blocks of 1024: block * 1024 + offset, so that a node numbers units without asking.
create sequence coupons.instance_block as bigint;
create index instance_by_coupon on coupons.instance (coupon_id, id);
create index instance_by_merchant on coupons.instance (merchant_id, valid_until) where merchant_id is not null;
create index instance_by_campaign on coupons.instance (campaign_id, valid_until) where campaign_id is not null;
create index instance_by_channel on coupons.instance (channel, valid_until) where channel is not null;

-- Units without an end.
create table coupons.instance_open partition of coupons.instance
    for values from ('infinity') to (maxvalue) partition by hash (id);
create table coupons.instance_open_0 partition of coupons.instance_open for values with (modulus 4, remainder 0) with (fillfactor = 85);
create table coupons.instance_open_1 partition of coupons.instance_open for values with (modulus 4, remainder 1) with (fillfactor = 85);
create table coupons.instance_open_2 partition of coupons.instance_open for values with (modulus 4, remainder 2) with (fillfactor = 85);
create table coupons.instance_open_3 partition of coupons.instance_open for values with (modulus 4, remainder 3) with (fillfactor = 85);

-- Makes the partitions of the months (UTC) in which the given instants lie. Instants at infinity need none.
-- A month is built beside the table and then attached, which does not block readers or writers of other months.
create function coupons.ensure_instance_months(ends timestamptz[]) returns void
    language plpgsql security definer set search_path = pg_catalog, coupons set timezone = 'UTC' as $$
declare
    month timestamptz;
    name  text;
begin
    for month in select distinct date_trunc('month', e) from unnest(ends) e where isfinite(e) order by 1 loop
        name := 'instance_' || to_char(month, 'YYYYMM');
        continue when to_regclass('coupons.' || name) is not null;
        perform pg_advisory_xact_lock(hashtextextended('coupons.ensure_instance_months', 0));
        continue when to_regclass('coupons.' || name) is not null;
        execute format('create table coupons.%I (like coupons.instance including all) partition by hash (id)', name);
        for part in 0 .. 3 loop
            execute format('create table coupons.%I partition of coupons.%I for values with (modulus 4, remainder %s) '
                'with (fillfactor = 85)', name || '_' || part, name, part);
        end loop;
        execute format('alter table coupons.instance attach partition coupons.%I for values from (%L) to (%L)',
            name, month, month + interval '1 month');
    end loop;
end $$;

-- Every code there is, once: of coupons and of instances (CPN-10). A look-up never scans a partition.
create table coupons.code (
    code        text        collate "C" primary key,
    coupon_id   bigint      not null,
    instance_id bigint,                                       -- null: the shared code of the coupon
    valid_until timestamptz                                    -- the instance's, as it is part of its key
);
