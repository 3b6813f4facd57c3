-- 0050_connectors.sql: partners, the stream of commands to each, its lane (lease, breaker, rate), the manual queue.
-- Locks nothing that exists.

create schema connectors;

-- A partner's adapter (CON-01). What it is told: the coupons of its merchants in its channels; null means all.
create table connectors.connector (
    id                   uuid        primary key,
    name                 text        not null check (name <> ''),
    external_id          text        unique,
    kind                 text        not null check (kind in ('ecommerce', 'pos_proxy', 'partner_rest', 'file', 'internal')),
    address              text        not null,                -- URL; directory below the drop for files; empty for internal
    encoding             text        not null check (encoding in ('single', 'batch', 'watermark')),
    acknowledgement      text        not null check (acknowledgement in ('sync', 'callback')),
    channels             text[],
    merchants            uuid[],
    can_schedule         boolean     not null,                -- takes commands before their time (R-09)
    batch_size           integer     not null check (batch_size between 1 and 10000),
    concurrency          integer     not null check (concurrency between 1 and 32),
    rate_per_second      integer     check (rate_per_second between 1 and 10000),
    quota_per_day        integer     check (quota_per_day > 0),
    sla_seconds          integer     not null check (sla_seconds > 0),
    timeout_seconds      integer     not null check (timeout_seconds between 1 and 15),
    callback_seconds     integer     not null check (callback_seconds > 0),
    manual_after_seconds integer     not null check (manual_after_seconds > 0),
    contact              text        not null default '',
    instructions         text        not null default '',
    is_active            boolean     not null,
    version              integer     not null default 1,
    created_at           timestamptz not null default clock_timestamp()
);

-- Sealed with the deployment's key (conventions 23, 65): what we sign with, what signs along after a rotation, and
-- what the partner asks of us. Never shown again after saving.
create table connectors.secret (
    connector_id   uuid        not null references connectors.connector on delete cascade,
    kind           text        not null check (kind in ('signing', 'former_signing', 'credential')),
    sealed         bytea       not null,
    set_at         timestamptz not null default clock_timestamp(),
    valid_until    timestamptz not null default 'infinity',
    primary key (connector_id, kind)
);

-- Ids are kept once, however many connectors are told.
create table connectors.batch (
    id          bigint      generated always as identity primary key,
    kind        text        not null check (kind in ('disable', 'enable')),
    subject     text        not null check (subject in ('instance', 'coupon')),
    merchant_id uuid,
    channel     text,
    ids         bigint[]    not null check (cardinality(ids) between 1 and 10000),
    ends_at     timestamptz not null,                        -- disable: not redeemable from then on; enable: the new end
    is_early    boolean     not null,                        -- partners cannot know this end from the coupon
    created_at  timestamptz not null default clock_timestamp()
);
create index batch_by_end on connectors.batch (ends_at);

-- The stream of a connector: one row per connector concerned and batch. Told in the order of position.
create table connectors.command (
    connector_id    uuid        not null references connectors.connector,
    position        bigint      generated always as identity,
    batch_id        bigint      not null references connectors.batch,
    kind            text        not null,
    size            integer     not null,
    chunk           integer     not null check (chunk > 0),   -- ids per call; fixed here, so that keys never change
    done            integer     not null default 0 check (done between 0 and size),
    state           text        not null default 'pending'
                        check (state in ('pending', 'sent', 'acknowledged', 'manual', 'done_by_hand', 'dropped')),
    due_at          timestamptz not null,
    attempts        integer     not null default 0,
    first_sent_at   timestamptz,
    sent_at         timestamptz,
    acknowledged_at timestamptz,
    error           text,
    created_at      timestamptz not null default clock_timestamp(),
    primary key (connector_id, position)
) with (fillfactor = 70);
create index command_open on connectors.command (connector_id, due_at) where state in ('pending', 'sent');
create index command_by_batch on connectors.command (batch_id);
create index command_by_time on connectors.command (connector_id, due_at desc);

-- One lane per connector: worked by the node that holds the lease, whose every write names the fence (convention 42).
-- Breaker, rate and quota are here, so all nodes share them.
create table connectors.lane (
    connector_id    uuid        primary key references connectors.connector on delete cascade,
    fence           bigint      not null default 0,
    leased_by       text,
    leased_until    timestamptz not null default '-infinity',
    breaker         text        not null default 'closed' check (breaker in ('closed', 'open', 'half_open')),
    forced          text        check (forced in ('open', 'closed')),
    forced_by       text,
    failures        integer     not null default 0,          -- in a row
    opened_at       timestamptz,
    next_attempt_at timestamptz not null default '-infinity',
    rate            real,                                    -- calls a second now; null: as fast as it goes
    quota_day       date        not null default '-infinity',
    quota_used      integer     not null default 0,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_acknowledged_at timestamptz,
    last_error      text,
    mark            timestamptz                              -- low-water mark the partner has acknowledged
) with (fillfactor = 50);
create function connectors.make_lane() returns trigger language plpgsql as $$
begin
    insert into connectors.lane (connector_id) values (new.id);
    return null;
end $$;
create trigger a_connector_has_a_lane after insert on connectors.connector
    for each row execute function connectors.make_lane();

-- What waits for a callback, by the key it was sent under (CON-05).
create table connectors.awaited (
    key          text        primary key,
    connector_id uuid        not null references connectors.connector on delete cascade,
    from_position bigint     not null,
    to_position  bigint      not null,
    from_offset  integer     not null,
    to_offset    integer     not null,
    mark         timestamptz,
    sent_at      timestamptz not null,
    expires_at   timestamptz not null,
    acknowledged_at timestamptz
);
create index awaited_open on connectors.awaited (connector_id, expires_at) where acknowledged_at is null;

-- Work for people (CON-04, EXP-15): a command, or some of its ids, that the machine gave up.
create table connectors.task (
    id           uuid        primary key,
    connector_id uuid        not null references connectors.connector,
    position     bigint      not null,
    ids          bigint[],                                   -- null: all of the command
    cause        text        not null,
    state        text        not null default 'open' check (state in ('open', 'retried', 'done', 'dropped')),
    assignee     text,
    evidence     text,
    closed_by    text,
    closed_at    timestamptz,
    version      integer     not null default 1,
    created_at   timestamptz not null default clock_timestamp(),
    foreign key (connector_id, position) references connectors.command
);
create index task_open on connectors.task (created_at, id) where state = 'open';
create index task_by_connector on connectors.task (connector_id, created_at, id);

-- Attempts: the history of a command (EXP-15) and the figures of a partner. Kept for a month.
create table connectors.attempt (
    id           bigint      generated always as identity primary key,
    connector_id uuid        not null references connectors.connector on delete cascade,
    from_position bigint     not null,
    to_position  bigint      not null,
    key          text        not null,
    at           timestamptz not null,
    milliseconds integer     not null,
    status       integer,                                    -- HTTP status; null: none came
    outcome      text        not null,
    answer       text        not null default ''             -- first KiB
);
create index attempt_by_connector on connectors.attempt (connector_id, at desc);
create index attempt_by_position on connectors.attempt (connector_id, to_position);

-- Callbacks are accepted once (convention 27).
create table connectors.accepted_callback (
    connector_id uuid        not null references connectors.connector on delete cascade,
    webhook_id   text        not null,
    at           timestamptz not null default clock_timestamp(),
    primary key (connector_id, webhook_id)
);
create index accepted_callback_by_age on connectors.accepted_callback (at);

grant usage on schema connectors to tessera_app;
grant select, insert, update, delete on all tables in schema connectors to tessera_app;
grant usage, select on all sequences in schema connectors to tessera_app;
