-- 0053_connectors_ingestion.sql: what outside systems hand in (CPN-15, CPN-16), once by source and event id; what was
-- refused stays parked with its reason. Locks nothing that exists.

create table connectors.ingested (
    id         bigint      generated always as identity primary key,
    source     text        not null,
    client_id  uuid        not null,                         -- under which the lanes keep their answers
    merchant_id uuid,                                        -- whom the source may act for; null: the whole deployment
    event_id   text        not null,
    type       text        not null,
    state      text        not null check (state in ('applied', 'known', 'parked', 'dropped')),
    reason     text,
    body       jsonb       not null,
    attempts   integer     not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint an_event_comes_once_from_a_source unique (source, event_id)
);
create index ingested_parked on connectors.ingested (id) where state = 'parked';

-- The version of each outside definition that is in force.
create table connectors.definition (
    external_id text        primary key,
    version     bigint      not null,
    updated_at  timestamptz not null default clock_timestamp()
);

grant select, insert, update, delete on connectors.ingested, connectors.definition to tessera_app;
grant usage, select on all sequences in schema connectors to tessera_app;
