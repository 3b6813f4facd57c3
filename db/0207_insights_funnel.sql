-- 0207_insights_funnel.sql: the steps from the view of a coupon to its booking (MET-02), and the days of all coupons
-- together, so that the dashboard's figures cost no more with more coupons. All days are counted again from the log.

alter table insights.coupon_day
    add column reservations     bigint not null default 0,    -- holds taken for a checkout
    add column from_reservation bigint not null default 0,    -- redemptions, given back or not, that a hold preceded
    add column booked           bigint not null default 0,    -- redemptions that stand and whose booking was not cancelled
    add column completed        bigint not null default 0,    -- of these, with a booking that took place
    add column attended         bigint not null default 0,    -- of these, where the customer came
    add column returned         bigint not null default 0;    -- given back, and the use with it

-- The same of all coupons together.
create table insights.day_total (
    day              date   not null,
    currency         text   not null,
    channel          text   not null,
    redemptions      bigint not null,
    rolled_back      bigint not null,
    revenue_minor    bigint not null,
    discount_minor   bigint not null,
    reservations     bigint not null,
    from_reservation bigint not null,
    booked           bigint not null,
    completed        bigint not null,
    attended         bigint not null,
    returned         bigint not null,
    primary key (day, currency, channel)
);
create table insights.refusal_total (
    day      date   not null,
    refusals bigint not null,
    primary key (day)
);

-- Views that channels report: as they come in, then added up. No row is kept for a view.
create table insights.view_note (
    coupon_id bigint not null,
    day       date   not null,
    channel   text   not null,
    views     bigint not null check (views > 0)
);
create table insights.view_day (
    coupon_id bigint not null,
    day       date   not null,
    channel   text   not null,                                -- empty: none was named
    views     bigint not null,
    primary key (coupon_id, day, channel)
);
create table insights.view_total (
    day     date   not null,
    channel text   not null,
    views   bigint not null,
    primary key (day, channel)
);

update insights.progress set seq = 0, refusal_id = '00000000-0000-0000-0000-000000000000';
delete from insights.coupon_day;
delete from insights.refusal_day;

grant select, insert, update, delete on insights.day_total, insights.refusal_total, insights.view_note, insights.view_day,
    insights.view_total to tessera_app;
