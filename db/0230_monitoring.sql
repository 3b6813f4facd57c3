-- 0230_monitoring.sql: what staff watches (OPS-01): coupons by customer, unusual patterns; where channels stand (MET-02); and
-- revenue after parts of an order were given back, the same everywhere (MET-24). Builds an index over units, which blocks
-- their changes meanwhile; counts the days of figures again where parts of orders were given back.

-- Units of their own that somebody holds. Uses of shared codes are found by their redemption, so redeeming pays nothing.
create index instance_by_holder on coupons.instance (customer_id, coupon_id) where customer_id is not null and code is not null;

-- Where a store, a till or a partner stands, as people say it; null: nowhere in particular, as a web shop.
alter table access.channel add column location text check (location <> '');

-- Coupons that are used, or refused, far more often on a day than on their ordinary days.
create table insights.alert (
    id              uuid          primary key,
    coupon_id       bigint        not null,
    merchant_id     uuid,                                     -- the coupon's
    kind            text          not null check (kind in ('use_surge', 'refusal_surge')),
    measured        bigint        not null,                   -- of the day so far
    usual           numeric(14,2) not null,                   -- of an ordinary day: the mean of the four weeks before
    raised_at       timestamptz   not null,
    seen_at         timestamptz   not null,
    cleared_at      timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint somebody_acknowledged check ((acknowledged_at is null) = (acknowledged_by is null))
);
create unique index one_open_alert on insights.alert (kind, coupon_id) where cleared_at is null;
create index alert_newest on insights.alert (raised_at desc, id desc);
create index alert_of_coupon on insights.alert (coupon_id, raised_at desc);
grant select, insert, update, delete on insights.alert to tessera_app;

-- Parts of an order that were given back while a coupon used on it stood: what was paid for them, and the coupon's share. The
-- return that leaves nothing of the coupon is none of these; it gives the redemption itself back.
create view redemptions.part_return as
    select o.id as return_id, u.id as redemption_id, o.paid_minor, s.discount_minor
    from redemptions.order_return o
    join redemptions.promotion_use u on u.order_id = o.order_id and u.coupon_id is not null
    left join redemptions.rollback k on k.redemption_id = u.id
    cross join lateral (
        select coalesce(sum((share ->> 'amount')::bigint), 0)::bigint as discount_minor
        from jsonb_array_elements(o.detail) part cross join lateral jsonb_array_elements(part -> 'shares') share
        where (share ->> 'use')::uuid = u.id) s
    where k.at is null or k.at > o.at;

-- What is left of each redemption that stands: what was paid on its order and not given back, and what it still gives. A
-- redemption of a single code is given back whole or not at all; one of a cart, by its lines.
create view redemptions.standing as
    select r.id, r.coupon_id, r.customer_id, r.channel, r.currency, r.decided_at,
        r.order_minor - r.discount_minor - b.paid_minor as revenue_minor, r.discount_minor - b.discount_minor as discount_minor
    from redemptions.redemption r
    cross join lateral (
        select coalesce(sum(p.paid_minor), 0)::bigint as paid_minor, coalesce(sum(p.discount_minor), 0)::bigint as discount_minor
        from redemptions.part_return p where p.redemption_id = r.id) b
    where r.rolled_back_at is null;
grant select on redemptions.part_return, redemptions.standing to tessera_app;

-- What returns took off the figures of the list before, and should not, or should have.
with wrong as materialized (
    select distinct u.coupon_id from redemptions.promotion_use u
    join redemptions.order_return o on o.order_id = u.order_id where u.coupon_id is not null
), due as (
    select w.coupon_id, coalesce(s.revenue, 0) - t.revenue as revenue, coalesce(s.discount, 0) - t.discount as discount, t.shard
    from wrong w
    cross join lateral (
        select sum(revenue_minor) as revenue, sum(discount_minor) as discount, min(shard) as shard
        from coupons.usage where coupon_id = w.coupon_id) t
    cross join lateral (
        select sum(revenue_minor) as revenue, sum(discount_minor) as discount
        from redemptions.standing where coupon_id = w.coupon_id) s
)
update coupons.usage u set revenue_minor = u.revenue_minor + d.revenue, discount_minor = u.discount_minor + d.discount
from due d where u.coupon_id = d.coupon_id and u.shard = d.shard;

delete from insights.coupon_day where exists (select from redemptions.order_return);
delete from insights.day_total where exists (select from redemptions.order_return);
update insights.progress set seq = 0 where exists (select from redemptions.order_return);
