-- 0076_access_alerts.sql: what somebody should look at because a caller, a merchant or everybody together fails at codes more
-- often than people mistype (convention 53). One open row per kind and subject. No address is kept.

create table access.security_alert (
    id         uuid        primary key,
    kind       text        not null check (kind in ('failed_codes')),
    subject    text        not null,                        -- caller:…, merchant:…, address or deployment
    per_minute bigint      not null check (per_minute > 0), -- the limit that was reached
    raised_at  timestamptz not null,
    seen_at    timestamptz not null,
    cleared_at timestamptz
);
create unique index one_open_security_alert on access.security_alert (kind, subject) where cleared_at is null;
create index security_alert_newest on access.security_alert (raised_at desc, id desc);

grant select, insert, update on access.security_alert to tessera_app;
