-- 0100_fallbacks.sql: coupons that stand in for others when these are exhausted (CMP-01).

-- Which coupon stands in for which, by name. A coupon without a row has the one of its campaign with the role fallback, if
-- there is one. A coupon that stands in has none of its own: both are locked when a row is written.
create table coupons.fallback (
    coupon_id   bigint primary key references coupons.coupon,
    fallback_id bigint not null    references coupons.coupon,
    constraint nothing_stands_in_for_itself check (coupon_id <> fallback_id)
);
create index fallback_by_fallback on coupons.fallback (fallback_id);
create index coupon_fallback_of_campaign on coupons.coupon (campaign_id, id)
    where campaign_role = 'fallback' and deleted_at is null;

-- Uses and holds of a coupon whose code was not the one that was typed: the code's own coupon was exhausted.
create table redemptions.stand_in (
    attempt_id uuid        primary key,                       -- redemption or reservation
    coupon_id  bigint      not null,                          -- whose code was typed
    reason     text        not null,                          -- why it could not be used itself
    decided_at timestamptz not null
);
create index stand_in_by_coupon on redemptions.stand_in (coupon_id, decided_at);

grant select, insert, update, delete on coupons.fallback to tessera_app;
grant select, insert on redemptions.stand_in to tessera_app;
