-- 0222_operation_events.sql: that an operation was asked for, stopped and ended is in the log (AUD-01). Locks platform.operation
-- for an instant.

alter table platform.operation
    add column version integer not null default 1;            -- counts what the log says of it
