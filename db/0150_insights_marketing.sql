-- 0150_insights_marketing.sql: what campaigns cost, what was held of their budgets, and events beside the charts (CMP-03,
-- CMP-09, MET-04). Locks nothing that exists.

-- Money spent on making a campaign known, on the day it was spent.
create table campaigns.cost (
    id           uuid        primary key,
    campaign_id  text        not null references campaigns.campaign,
    day          date        not null,
    amount_minor bigint      not null check (amount_minor > 0),
    currency     text        not null check (currency ~ '^[A-Z]{3}$'),
    note         text        not null default '',
    created_by   text        not null,
    created_at   timestamptz not null default clock_timestamp()
);
create index cost_by_campaign on campaigns.cost (campaign_id, day, id);

-- The budgets of a day: the bound that held at its end, and the most that was seen held at once.
create table insights.budget_day (
    campaign_id text   not null,
    unit        text   not null,                              -- a currency, or 'use'
    day         date   not null,                              -- of UTC
    bound       bigint not null,
    most_held   bigint not null,
    primary key (campaign_id, unit, day)
);

-- What happened outside that may explain a chart: a post, a holiday, a fair.
create table insights.marker (
    id          uuid        primary key,
    day         date        not null,
    kind        text        not null check (kind in ('social_post', 'holiday', 'press', 'other')),
    text        text        not null check (text <> ''),
    coupon_id   bigint,                                       -- null: of all coupons, or of a campaign's
    campaign_id text,
    merchant_id uuid        references access.merchant,       -- whose people see it; null: the deployment's
    created_by  text        not null,
    created_at  timestamptz not null default clock_timestamp()
);
create index marker_by_day on insights.marker (day, id);

grant select, insert, delete on campaigns.cost, insights.marker to tessera_app;
grant select, insert, update on insights.budget_day to tessera_app;
