-- 0090_coupons_totals.sql: one row of figures a coupon, for the sorts of the list by use, revenue, conversion and last use.
-- Made with the coupon, kept by a worker from the shards of coupons.usage: a sort may be seconds old, the figures shown
-- are summed from the shards and never are. Fills the table, which blocks new coupons meanwhile.

create table coupons.total (
    coupon_id      bigint        primary key,
    redeemed_count bigint        not null default 0,
    refused_count  bigint        not null default 0,
    revenue_minor  bigint        not null default 0,
    last_used_at   timestamptz   not null default '-infinity',
    conversion     numeric       not null generated always as
        (case when redeemed_count + refused_count = 0 then 0
            else round(redeemed_count / (redeemed_count + refused_count)::numeric, 4) end) stored
) with (fillfactor = 80);

create function coupons.make_totals() returns trigger
    language plpgsql security definer set search_path = pg_catalog, coupons as $$
begin
    insert into coupons.total (coupon_id) select id from made;
    return null;
end $$;
create trigger make_totals after insert on coupons.coupon
    referencing new table as made for each statement execute function coupons.make_totals();

insert into coupons.total (coupon_id, redeemed_count, refused_count, revenue_minor, last_used_at)
select c.id, coalesce(u.redeemed_count, 0), coalesce(u.refused_count, 0), coalesce(u.revenue_minor, 0),
    coalesce(u.last_used_at, '-infinity')
from coupons.coupon c left join coupons.usage_total u on u.coupon_id = c.id;

create index total_by_use on coupons.total (redeemed_count, coupon_id);
create index total_by_revenue on coupons.total (revenue_minor, coupon_id);
create index total_by_conversion on coupons.total (conversion, coupon_id);
create index total_by_last_use on coupons.total (last_used_at, coupon_id);
analyze coupons.total;

grant select, update on coupons.total to tessera_app;
