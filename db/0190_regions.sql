-- 0190_regions.sql: what the law of a region asks of the end of coupons (AUD-05). Adds a column to access.merchant.

create schema regions;

-- A country, a part of one, or 'default' for all that have no row. Points will have columns beside those of coupons.
create table regions.region (
    id                     text        primary key check (id = 'default' or id ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'),
    coupon_minimum_days    integer     not null default 0 check (coupon_minimum_days between 0 and 3650),
    coupon_may_shorten     boolean     not null default true,
    coupon_shortening_days integer     not null default 0 check (coupon_shortening_days between 0 and 3650),
    coupon_notice_days     integer     not null default 0 check (coupon_notice_days between 0 and 365),
    version                integer     not null default 1,
    created_at             timestamptz not null default clock_timestamp(),
    constraint notice_of_what_may_not_be check (coupon_may_shorten or coupon_shortening_days = 0)
);

-- The rule of a place: of the part of the country, else of the country, else of all others. No row: nothing is asked.
create function regions.rule_of(place text) returns setof regions.region
    language sql stable rows 1 as $$
    select * from regions.region
    where id in (upper(place), split_part(upper(place), '-', 1), 'default')
    order by id = 'default', length(id) desc limit 1
$$;

-- Where a merchant's customers are promised its coupons; of a customer it is the attribute region.
alter table access.merchant add column region text check (region ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$');

grant usage on schema regions to tessera_app;
grant select, insert, update, delete on regions.region to tessera_app;
