-- 0040_expiration.sql: what ends when, who works on it, and what came of it (EXP-01 to EXP-12). Locks nothing that exists.
-- Units are not touched when they end: a finished job says that all live units in its range of ends have expired.

create schema expiration;

-- One row: how the pipeline runs (EXP-05, EXP-17). Every worker reads it before each step.
create table expiration.control (
    one             boolean     primary key default true check (one),
    mode            text        not null default 'running' check (mode in ('running', 'paused', 'draining')),
    look_ahead      interval    not null default '48 hours' check (look_ahead between interval '24 hours' and interval '30 days'),
    checked_to      bigint      not null default 0,           -- place in the sealed log that the near-time path has read to
    caught_up_at    timestamptz not null default '-infinity', -- end of the latest nightly catch-up
    ranked_at       timestamptz not null default '-infinity', -- merchants were last ranked by value
    changed_by      text        not null default 'job:install',
    changed_at      timestamptz not null default clock_timestamp(),
    version         integer     not null default 1
);
insert into expiration.control default values;

-- An hour of ends (EXP-02). Its row is the uniqueness of its enqueueing: whoever comes second does nothing.
create table expiration.bucket (
    starts_at   timestamptz primary key check (starts_at = date_trunc('hour', starts_at, 'UTC')),
    ends_at     timestamptz not null,
    planned     bigint      not null,                          -- units when it was planned; more may be issued into it
    detected_by text        not null check (detected_by in ('schedule', 'stream', 'catch_up', 'hand')),
    detected_at timestamptz not null,
    constraint an_hour check (ends_at = starts_at + interval '1 hour')
);

-- A part of a bucket: the units with keys (valid_until, id) above `from` and not above `until`, of one merchant or of all
-- but some. Worked by whoever holds the lease; each write names the fence (convention 42). `done` is how far it has come:
-- what lies at or below it, live and not reserved, has expired and has its event.
create table expiration.job (
    id           bigint      generated always as identity primary key,
    bucket       timestamptz not null references expiration.bucket,
    merchant_id  uuid,                                         -- the only merchant; null: all but those of `except`
    except_ids   uuid[]      not null default '{}',
    from_at      timestamptz not null,
    from_id      bigint      not null,
    until_at     timestamptz not null,
    until_id     bigint      not null,
    done_at      timestamptz not null,
    done_id      bigint      not null,
    priority     integer     not null default 0 check (priority between -1000 and 1000),
    channels     text[],                                       -- channels of its units when it was planned; null: any
    planned      bigint      not null,
    units        bigint      not null default 0,               -- expired by it
    steps        integer     not null default 0,
    state        text        not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
    fence        bigint      not null default 0,
    worker       text,
    leased_until timestamptz,
    failures     integer     not null default 0,
    try_after    timestamptz not null default '-infinity',
    error        text,
    created_at   timestamptz not null,
    finished_at  timestamptz,
    constraint in_its_bucket check (from_at >= bucket and until_at <= bucket + interval '1 hour'),
    constraint done_lies_in_its_range check ((done_at, done_id) >= (from_at, from_id) and (done_at, done_id) <= (until_at, until_id))
);
-- EXP-01: no range is enqueued twice.
create unique index one_job_per_range on expiration.job
    (bucket, from_at, from_id, coalesce(merchant_id, '00000000-0000-0000-0000-000000000000'::uuid));
create index job_open on expiration.job (priority desc, done_at) where state = 'waiting';

-- What one step expired, by coupon: the trace of each release (EXP-11), and the proof that a unit has its event.
create table expiration.batch (
    id              uuid           primary key,               -- of its event coupon.expired
    job_id          bigint,                                   -- null: expired by hand or late
    coupon_id       bigint         not null,
    merchant_id     uuid,
    campaign_id     text,
    channel         text,
    from_state      text           not null,
    version         bigint         not null,                  -- of the units before
    runs            int8multirange not null,                  -- their ids
    first_id        bigint         not null,
    last_id         bigint         not null,
    units           bigint         not null check (units > 0),-- freed to the coupon
    budget_minor    bigint         not null default 0 check (budget_minor >= 0),  -- freed to the campaign
    currency        text,
    ends_from       timestamptz    not null,
    ends_until      timestamptz    not null,
    cause           text           not null,
    created_at      timestamptz    not null
);
create index batch_by_coupon on expiration.batch (coupon_id, first_id);
create index batch_by_campaign on expiration.batch (campaign_id, created_at) where campaign_id is not null;
create index batch_by_time on expiration.batch using brin (created_at);

-- Who goes first (EXP-05): ranked by value every night, or set by hand.
create table expiration.merchant_priority (
    merchant_id uuid        primary key references access.merchant,
    priority    integer     not null check (priority between -1000 and 1000),
    source      text        not null check (source in ('value', 'hand')),
    set_by      text        not null,
    set_at      timestamptz not null default clock_timestamp()
);

-- Nodes that work or did, and how far their clocks are off (EXP-14).
create table expiration.node (
    name       text        primary key,
    seen_at    timestamptz not null,
    drift_ms   bigint      not null,
    is_stopped boolean     not null
);

-- Figures by the minute (EXP-17), one row per minute and node, so that nodes never wait for one another.
create table expiration.minute (
    at       timestamptz not null,
    node     text        not null,
    units    bigint      not null default 0,
    steps    bigint      not null default 0,
    failures bigint      not null default 0,
    late_ms  bigint      not null default 0,                   -- longest time from end to event
    primary key (at, node)
);

-- What somebody should look at: drift, a system that still accepts, an anomaly. One open row per kind and subject.
create table expiration.alert (
    id         uuid        primary key,
    kind       text        not null check (kind in ('clock_drift', 'still_usable', 'missed', 'behind', 'failing', 'unusual_volume')),
    subject    text        not null,
    detail     jsonb       not null,
    raised_at  timestamptz not null,
    seen_at    timestamptz not null,
    cleared_at timestamptz
);
create unique index one_open_alert on expiration.alert (kind, subject) where cleared_at is null;

grant usage on schema expiration to tessera_app;
grant select, insert, update on all tables in schema expiration to tessera_app;
grant delete on expiration.minute, expiration.node, expiration.merchant_priority to tessera_app;
grant usage, select on all sequences in schema expiration to tessera_app;

-- Units that expired by the clock have one event a coupon and step, with their ids as runs: each id is a step of its own.
create or replace view verify.transitions as
    select (e.aggregateid)::bigint as instance_id, e.sequence, e.payload ->> 'from' as from_state,
           e.payload ->> 'to' as to_state, e.created_at as at, e.payload ->> 'cause' as cause
    from platform.event e
    where e.aggregatetype = 'instance'
    union all
    -- The first use of a shared code makes its unit and uses it in one event.
    select (e.aggregateid)::bigint, e.sequence - 1, null, e.payload ->> 'from', e.created_at, 'shared_code'
    from platform.event e
    where e.aggregatetype = 'instance' and e.payload ? 'new'
    union all
    select unit, 1, null, 'issued', e.created_at, 'generated'
    from platform.event e
    cross join lateral generate_series((e.payload ->> 'first_id')::bigint, (e.payload ->> 'last_id')::bigint) unit
    where e.type = 'coupon.instances_issued'
    union all
    select unit, (e.payload ->> 'version')::bigint + 1, e.payload ->> 'from', 'expired', e.created_at, e.payload ->> 'cause'
    from platform.event e
    cross join lateral jsonb_array_elements(e.payload -> 'runs') run
    cross join lateral generate_series((run ->> 0)::bigint, (run ->> 1)::bigint) unit
    where e.type = 'coupon.expired' and e.aggregatetype = 'coupon' and e.payload ? 'runs';
