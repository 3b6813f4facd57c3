-- 0170_reservation_version.sql: a reservation keeps the version that decided it, for its receipt (RUL-12).

alter table redemptions.reservation
    add column coupon_version bigint;                         -- null: held before this was kept
