-- 0161_coupons_list_indexes.sql: the orders by discount, and the statuses few coupons have, without reading every coupon.
-- Builds six indexes, which blocks changes of coupons meanwhile.

create index coupon_by_type on coupons.coupon (discount_type, id) where deleted_at is null;
create index coupon_by_value on coupons.coupon ((coalesce(discount_percent, discount_minor)), id) where deleted_at is null;
create index coupon_by_start on coupons.coupon (valid_from, id) where deleted_at is null;
create index coupon_flagged on coupons.coupon (created_at desc, id desc) where deleted_at is null and is_flagged;
create index coupon_inactive on coupons.coupon (created_at desc, id desc) where deleted_at is null and not is_active;
create index coupon_limited on coupons.coupon (created_at desc, id desc) where deleted_at is null and max_uses_total is not null;
