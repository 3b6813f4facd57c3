-- 0080_insights.sql: figures by day, fed from the sealed log (MET-01 to MET-03, MET-24). They can be dropped and made
-- again from it. Days are those of UTC. Locks nothing that exists.

create schema insights;

-- How far the log and the refusals have been counted. One row; its lock makes one counter.
create table insights.progress (
    one        boolean primary key default true check (one),
    seq        bigint  not null default 0,                    -- place in the sealed log
    refusal_id uuid    not null default '00000000-0000-0000-0000-000000000000'
);
insert into insights.progress default values;

-- What was redeemed on a day. A redemption that is given back is taken off the day it was made on.
create table insights.coupon_day (
    coupon_id      bigint not null,
    day            date   not null,
    currency       text   not null,
    channel        text   not null,                           -- empty: none was named
    redemptions    bigint not null,                           -- accepted, given back or not
    rolled_back    bigint not null,
    revenue_minor  bigint not null,                           -- net paid, of those that stand (R-19)
    discount_minor bigint not null,                           -- given, of those that stand
    primary key (coupon_id, day, currency, channel)
);
create index coupon_day_by_day on insights.coupon_day (day);

-- What was refused on a day, and why.
create table insights.refusal_day (
    coupon_id bigint not null,                                -- 0: the code was nobody's
    day       date   not null,
    reason    text   not null,
    refusals  bigint not null,
    primary key (coupon_id, day, reason)
);
create index refusal_day_by_day on insights.refusal_day (day);

grant usage on schema insights to tessera_app;
grant select, update on insights.progress to tessera_app;
grant select, insert, update, delete on insights.coupon_day, insights.refusal_day to tessera_app;
