-- 0074_audit_origin.sql: where changes by staff and merchants came from, and by which right (AUD-01). Apart from the log, so
-- that addresses can be deleted when their time is over; joined by request id. Redemptions keep their own origins.

create table audit.request_origin (
    correlation_id text        not null,
    actor          text        not null,
    permission     text        not null,
    address        inet,
    at             timestamptz not null
);
create index request_origin_by_request on audit.request_origin (correlation_id, at);
create index request_origin_by_age on audit.request_origin using brin (at);

grant select, insert, delete on audit.request_origin to tessera_app;
