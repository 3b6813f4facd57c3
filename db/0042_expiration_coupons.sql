-- 0042_expiration_coupons.sql: the ends of definitions, told once each (EXP-01). Locks nothing that exists.

create table expiration.coupon_end (
    coupon_id    bigint      not null,
    valid_until  timestamptz not null,
    told_at      timestamptz not null,
    reopened_at  timestamptz,                                  -- the coupon was given a later end afterwards, and partners know
    primary key (coupon_id, valid_until)
);
create index coupon_end_standing on expiration.coupon_end (coupon_id) where reopened_at is null;
grant select, insert, update on expiration.coupon_end to tessera_app;

-- Whether a unit was told is asked by its id alone: ids are never used twice, and the runs of a trace lie close together.
create index batch_by_runs on expiration.batch using gist (runs) where cause = 'end_reached';
