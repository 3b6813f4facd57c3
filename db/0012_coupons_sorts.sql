-- 0012_coupons_sorts.sql: the order by code and by name of the coupon list. Builds two indexes, which blocks changes of
-- coupons meanwhile.

create index coupon_by_code on coupons.coupon (code, id) where deleted_at is null;
create index coupon_by_name on coupons.coupon (internal_name, id) where deleted_at is null;
