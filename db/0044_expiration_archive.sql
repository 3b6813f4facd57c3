-- 0044_expiration_archive.sql: how long a coupon's units are kept after they have ended (EXP-16), and the changes that come
-- of it. Locks expiration.change for as long as checking its few rows takes.

alter table expiration.change
    drop constraint change_action_check,
    add constraint change_action_check check (action in ('extend', 'expire', 'cancel', 'archive', 'refund'));

-- The time to live a coupon carries. Without a row its units stay until somebody archives them by hand.
create table expiration.time_to_live (
    coupon_id    bigint      primary key references coupons.coupon,
    days         integer     not null check (days between 0 and 3650),     -- after the end of a unit
    refunds_paid boolean     not null,                                      -- units that were paid and not used are refunded first
    passed_id    bigint      not null default -1,                           -- how far the present pass has come
    checked_at   timestamptz not null default '-infinity',                  -- end of the last pass
    set_by       text        not null,
    set_at       timestamptz not null
);
create index time_to_live_next on expiration.time_to_live (checked_at);
grant select, insert, update, delete on expiration.time_to_live to tessera_app;
