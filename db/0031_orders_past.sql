-- 0031_orders_past.sql: an order that was placed elsewhere may have used a promotion without a known discount.

alter table redemptions.promotion_use drop constraint promotion_use_discount_minor_check;
alter table redemptions.promotion_use add constraint never_less_than_nothing check (discount_minor >= 0);
