-- 0191_expiration_notices.sql: which customers were due to be told of which end, once for each end (AUD-05).

-- A unit with a holder, or a coupon with a shared code. Rows are of no use once the end has passed, and are deleted then.
create table expiration.notice (
    valid_until timestamptz not null,
    subject_id  bigint      not null,
    is_unit     boolean     not null,
    primary key (valid_until, subject_id, is_unit)
);

-- How far the look at the ends has come for each length of notice. It starts again once a day, for units that were issued
-- or moved behind it.
create table expiration.notice_look (
    notice_days  integer     primary key check (notice_days > 0),
    seen_at      timestamptz not null,
    seen_id      bigint      not null,
    restarted_at timestamptz not null
);

grant select, insert, delete on expiration.notice to tessera_app;
grant select, insert, update, delete on expiration.notice_look to tessera_app;
