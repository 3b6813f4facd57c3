-- 0052_connectors_webhooks.sql: subscriptions to events, their deliveries and attempts; cursors of the readers of the log.
-- Locks nothing that exists.

-- How far a reader has come in the sealed log (convention 28).
create table connectors.feed (
    name       text        primary key,
    seq        bigint      not null default 0,
    updated_at timestamptz not null default clock_timestamp()
);

create table connectors.webhook (
    id              uuid        primary key,
    name            text        not null check (name <> ''),
    url             text        not null,
    events          text[],                                  -- types or their beginnings (coupon.*); null: all
    retries         integer[],                               -- seconds before each attempt; null: the usual ones
    is_active       boolean     not null,
    disabled_reason text,                                    -- why the machine switched it off
    disabled_at     timestamptz,
    failures        integer     not null default 0,          -- in a row
    failing_since   timestamptz,
    paused_until    timestamptz not null default '-infinity',
    version         integer     not null default 1,
    created_at      timestamptz not null default clock_timestamp()
);

create table connectors.webhook_secret (
    webhook_id  uuid        not null references connectors.webhook on delete cascade,
    kind        text        not null check (kind in ('signing', 'former_signing')),
    sealed      bytea       not null,
    set_at      timestamptz not null default clock_timestamp(),
    valid_until timestamptz not null default 'infinity',
    primary key (webhook_id, kind)
);

-- One event for one subscription, once, whatever the readers of the log do (convention 28).
create table connectors.webhook_delivery (
    id              bigint      generated always as identity primary key,
    webhook_id      uuid        not null references connectors.webhook on delete cascade,
    event_id        uuid        not null,
    event_type      text        not null,
    seq             bigint      not null,                    -- of the sealed log: finds the event
    state           text        not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    attempts        integer     not null default 0,
    tries           integer     not null default 0,          -- of the present series; a resend begins a new one
    next_attempt_at timestamptz not null,
    leased_until    timestamptz not null default '-infinity',
    fence           bigint      not null default 0,
    delivered_at    timestamptz,
    created_at      timestamptz not null default clock_timestamp(),
    constraint an_event_goes_once_to_a_webhook unique (webhook_id, event_id)
) with (fillfactor = 70);
create index webhook_delivery_due on connectors.webhook_delivery (webhook_id, next_attempt_at) where state = 'pending';
create index webhook_delivery_by_time on connectors.webhook_delivery (webhook_id, id desc);

create table connectors.webhook_attempt (
    id           bigint      generated always as identity primary key,
    delivery_id  bigint      not null references connectors.webhook_delivery on delete cascade,
    at           timestamptz not null,
    milliseconds integer     not null,
    status       integer,
    outcome      text        not null,
    answer       text        not null default ''
);
create index webhook_attempt_by_delivery on connectors.webhook_attempt (delivery_id, id);

grant select, insert, update, delete on connectors.feed, connectors.webhook, connectors.webhook_secret,
    connectors.webhook_delivery, connectors.webhook_attempt to tessera_app;
grant usage, select on all sequences in schema connectors to tessera_app;
