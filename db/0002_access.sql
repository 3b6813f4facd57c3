-- 0002_access.sql: who may call, and for whom: API keys, merchants, customers, channels.

create schema access;

create table access.merchant (
    id          uuid        primary key,
    name        text        not null check (name <> ''),
    external_id text        unique,
    is_active   boolean     not null default true,
    version     integer     not null default 1,
    created_at  timestamptz not null default clock_timestamp()
);

-- Names and addresses of people are not here: they belong to the store with a key per person (convention 66).
create table access.customer (
    id          uuid        primary key,
    external_id text        unique,
    groups      text[]      not null default '{}',
    attributes  jsonb       not null default '{}',
    version     integer     not null default 1,
    created_at  timestamptz not null default clock_timestamp()
);

create table access.channel (
    id         text        primary key check (id ~ '^[a-z0-9_-]{1,40}$'),
    name       text        not null check (name <> ''),
    kind       text        not null check (kind in ('shop', 'store', 'till', 'app', 'partner')),
    is_active  boolean     not null default true,
    version    integer     not null default 1,
    created_at timestamptz not null default clock_timestamp()
);

create table access.api_key (
    id          uuid        primary key,
    name        text        not null check (name <> ''),
    prefix      text        not null,                       -- first characters, to recognise a key in a list
    hash        bytea       not null unique,                -- SHA-256 of the whole key; the key itself is never stored
    permissions text[]      not null,
    merchant_id uuid        references access.merchant,     -- null: the whole deployment
    channels    text[],                                      -- null: any channel
    created_by  text        not null,
    created_at  timestamptz not null default clock_timestamp(),
    expires_at  timestamptz not null default 'infinity',
    revoked_at  timestamptz,
    last_used_on date
);
