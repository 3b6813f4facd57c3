-- 0205_coupons_live.sql: which coupons have no uses left, and how many can be redeemed at an instant, without reading them
-- all (MET-01). Rewrites coupons.total and reads every coupon once, which blocks changes of coupons meanwhile.

-- What is known of a coupon beside its figures: the limit of its uses, and as what it is counted below.
alter table coupons.total
    add column uses_allowed  bigint,                          -- max_uses_total of the coupon; null: any number
    add column is_spent      boolean not null generated always as (coalesce(redeemed_count >= uses_allowed, false)) stored,
    add column live_merchant uuid,                            -- zero: of nobody in particular; null: it is not counted
    add column live_from     timestamptz,
    add column live_until    timestamptz;

-- Coupons that can be redeemed while their window is open: how many windows open, less how many close, in an hour. Many rows
-- may say so of one hour: they add up, so writers never wait for one another. A worker puts them together.
create table coupons.live_hour (
    merchant_id uuid        not null,
    hour        timestamptz not null,
    change      bigint      not null
);
create index live_hour_by_merchant on coupons.live_hour (merchant_id, hour);

-- Counts coupons as what they are now, instead of as what they were counted before.
create function coupons.count_live(ids bigint[]) returns void
    language plpgsql security definer set search_path = pg_catalog, coupons as $$
begin
    if ids is null then
        return;
    end if;
    -- The locks first: the statement after them sees what whoever held them has made.
    perform from coupons.total where coupon_id = any(ids) order by coupon_id for no key update;
    with fact as materialized (
        select t.coupon_id, c.max_uses_total, t.live_merchant, t.live_from, t.live_until,
            case when l.is_live then coalesce(c.merchant_id, '00000000-0000-0000-0000-000000000000') end as merchant,
            case when l.is_live then c.valid_from end as begins, case when l.is_live then c.valid_until end as ends
        from coupons.total t
        join coupons.coupon c on c.id = t.coupon_id
        cross join lateral (select c.deleted_at is null and c.is_active and not c.is_flagged
            and coalesce(t.redeemed_count < c.max_uses_total, true) as is_live) l
        where t.coupon_id = any(ids)
    ), other as (
        select * from fact where (live_merchant, live_from, live_until) is distinct from (merchant, begins, ends)
    ), noted as (
        insert into coupons.live_hour (merchant_id, hour, change)
        select who, date_trunc('hour', at, 'UTC'), sum(change) from (
            select live_merchant as who, live_from as at, -1 as change from other
            union all select live_merchant, live_until, 1 from other
            union all select merchant, begins, 1 from other
            union all select merchant, ends, -1 from other) as step
        where who is not null and isfinite(at) group by 1, 2 having sum(change) <> 0
    )
    update coupons.total t set uses_allowed = f.max_uses_total, live_merchant = f.merchant, live_from = f.begins,
        live_until = f.ends
    from fact f where t.coupon_id = f.coupon_id
        and (t.uses_allowed, t.live_merchant, t.live_from, t.live_until)
            is distinct from (f.max_uses_total, f.merchant, f.begins, f.ends);
end $$;

create or replace function coupons.make_totals() returns trigger
    language plpgsql security definer set search_path = pg_catalog, coupons as $$
begin
    with counted as (
        insert into coupons.total (coupon_id, uses_allowed, live_merchant, live_from, live_until)
        select id, max_uses_total,
            case when is_live then coalesce(merchant_id, '00000000-0000-0000-0000-000000000000') end,
            case when is_live then valid_from end, case when is_live then valid_until end
        from made cross join lateral (select deleted_at is null and is_active and not is_flagged as is_live) l
        returning live_merchant, live_from, live_until
    )
    insert into coupons.live_hour (merchant_id, hour, change)
    select live_merchant, date_trunc('hour', at, 'UTC'), sum(change) from (
        select live_merchant, live_from as at, 1 as change from counted
        union all select live_merchant, live_until, -1 from counted) as step
    where live_merchant is not null and isfinite(at) group by 1, 2 having sum(change) <> 0;
    return null;
end $$;

create function coupons.recount_changed() returns trigger
    language plpgsql security definer set search_path = pg_catalog, coupons as $$
begin
    perform coupons.count_live(array_agg(n.id)) from made n join was o on o.id = n.id
    where (n.deleted_at, n.is_active, n.is_flagged, n.valid_from, n.valid_until, n.merchant_id, n.max_uses_total)
        is distinct from (o.deleted_at, o.is_active, o.is_flagged, o.valid_from, o.valid_until, o.merchant_id, o.max_uses_total);
    return null;
end $$;
create trigger recount_changed after update on coupons.coupon
    referencing old table as was new table as made for each statement execute function coupons.recount_changed();

create function coupons.recount_spent() returns trigger
    language plpgsql security definer set search_path = pg_catalog, coupons as $$
begin
    perform coupons.count_live(array_agg(n.coupon_id)) from made n join was o on o.coupon_id = n.coupon_id
    where n.is_spent <> o.is_spent;
    return null;
end $$;
create trigger recount_spent after update on coupons.total
    referencing old table as was new table as made for each statement execute function coupons.recount_spent();

select coupons.count_live(array_agg(id)) from coupons.coupon;

create index total_spent on coupons.total (coupon_id) where is_spent;
drop index coupons.coupon_limited;                            -- whether uses are gone is known now
analyze coupons.total;

grant select, insert, delete on coupons.live_hour to tessera_app;
