-- 0001_platform.sql: the clock, the event log, idempotency, operations. Everything here belongs to no room.

create schema platform;

-- The one instant that decides validity (convention 39). In every ordinary database it is clock_timestamp() and
-- nothing else; only the replay command replaces it, in a simulation database that it makes itself.
create function platform.clock() returns timestamptz language sql volatile parallel unsafe
    as 'select clock_timestamp()';

-- Random values made once per deployment, such as the key that authenticates page cursors.
create table platform.secret (
    name  text  primary key,
    value bytea not null
);

-- One log: audit trail, outbox, feed and source of the rollups (CPN-07, AUD-01). Append-only.
-- Column names fit the Debezium outbox router. (tx, position) lets the sealer take whole transactions in order.
create table platform.event (
    position       bigint      generated always as identity,
    tx             bigint      not null default (pg_current_xact_id()::text::bigint),
    id             uuid        not null,
    aggregatetype  text        not null,
    aggregateid    text        not null,
    type           text        not null,
    sequence       bigint      not null,                    -- version of the aggregate this event made
    actor          text        not null,                    -- who or what caused it; never a personal name
    correlation_id text,
    payload        jsonb       not null,
    created_at     timestamptz not null                     -- the database clock of the decision
) partition by range (created_at);

create index event_by_transaction on platform.event (tx, position);

create table platform.event_default partition of platform.event default;

-- Makes the partitions of the given month and the two after it, where the default partition has no rows of theirs yet.
create function platform.ensure_event_months(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, platform set timezone = 'UTC' as $$
declare
    month timestamptz;
    name  text;
begin
    perform pg_advisory_xact_lock(hashtextextended('platform.ensure_event_months', 0));
    for month in select date_trunc('month', at) + n * interval '1 month' from generate_series(0, 2) n loop
        name := 'event_' || to_char(month, 'YYYYMM');
        continue when to_regclass('platform.' || name) is not null;
        continue when exists (select from platform.event_default
                              where created_at >= month and created_at < month + interval '1 month');
        begin
            execute format('create table platform.%I partition of platform.event for values from (%L) to (%L)',
                name, month, month + interval '1 month');
        exception when check_violation then
            null;                                            -- a row came in meanwhile: the month stays in the default
        end;
    end loop;
end $$;
select platform.ensure_event_months(clock_timestamp());

-- Answers given to an idempotency key (conventions 13 to 17). Key = hash of realm, client, operation and key.
create table platform.idempotency (
    key          uuid        primary key,
    request_hash uuid        not null,
    status       smallint    not null,
    location     text,
    etag         text,
    body         bytea       not null,
    created_at   timestamptz not null default clock_timestamp()
);

-- Work that outlives a request: progress, result, resumption (convention 5, BLK-08).
create table platform.operation (
    id           uuid        primary key,
    kind         text        not null,
    status       text        not null check (status in ('pending', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
    done         bigint      not null default 0,
    total        bigint,
    error_count  bigint      not null default 0,
    input        jsonb       not null,
    result       jsonb,
    cursor       jsonb,                                      -- where a resumed run goes on; written with each batch
    fence        bigint      not null default 0,             -- fencing number of the worker that holds the lease
    leased_until timestamptz,
    actor        text        not null,
    created_at   timestamptz not null default clock_timestamp(),
    updated_at   timestamptz not null default clock_timestamp()
);

create index operation_waiting on platform.operation (created_at) where status in ('pending', 'running');

-- Rows that could not be processed, for the error file of an operation.
create table platform.operation_error (
    operation_id uuid    not null references platform.operation,
    row_number   bigint  not null,
    field        text    not null default '',
    code         text    not null,
    message      text    not null,
    value        text,
    primary key (operation_id, row_number, field, code)
);

-- Files belonging to an operation, in chunks, so that any node can resume it. Immutable once complete.
create table platform.operation_chunk (
    operation_id uuid    not null references platform.operation,
    kind         text    not null check (kind in ('input', 'output')),
    number       integer not null,
    content      bytea   not null,
    primary key (operation_id, kind, number)
);
