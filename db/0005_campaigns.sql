-- 0005_campaigns.sql: campaigns and their audiences (CMP-01, CMP-02, CMP-09).

create schema campaigns;

create table campaigns.campaign (
    id                text        primary key,              -- a UUIDv7, or the caller's own key on import (R-20)
    name              text        not null check (name <> ''),
    description       text        not null default '',
    start_at          timestamptz not null,
    end_at            timestamptz not null default 'infinity',
    time_zone         text        not null default 'UTC',
    merchant_id       uuid        references access.merchant,
    marketing_channel text        check (marketing_channel in ('email', 'social', 'paid_ads', 'organic')),
    utm_source        text,
    utm_medium        text,
    utm_campaign      text,
    budget_minor      bigint      check (budget_minor > 0), -- money budget; null: none
    budget_currency   text        check (budget_currency ~ '^[A-Z]{3}$'),
    budget_uses       bigint      check (budget_uses > 0),  -- budget in uses; null: none
    version           integer     not null default 1,
    created_by        text        not null,
    created_at        timestamptz not null default clock_timestamp(),
    deleted_at        timestamptz,
    constraint the_window_has_a_length check (start_at < end_at),
    constraint a_money_budget_names_its_currency check ((budget_minor is null) = (budget_currency is null))
);

-- The customers a private campaign was sent to.
create table campaigns.audience (
    campaign_id text not null references campaigns.campaign,
    customer_id uuid not null,
    primary key (campaign_id, customer_id)
);
