-- 0060_people.sql: people who sign in, their roles and sessions (ACC-01, ACC-02). Beside access, because names and
-- addresses are here and nowhere else.

create schema people;

create table people.person (
    id            uuid        primary key,
    realm         text        not null check (realm in ('staff', 'merchant', 'customer')),
    email         text        not null check (email = lower(email) and email <> ''),
    name          text        not null check (name <> ''),
    password_hash text,                                      -- null: never set, or signs in elsewhere
    is_active     boolean     not null default true,
    merchant_id   uuid        references access.merchant,
    customer_id   uuid        references access.customer,
    roles         text[]      not null default '{}',         -- ready-made ones, and ids of people.role
    version       integer     not null default 1,
    created_at    timestamptz not null default clock_timestamp(),
    unique (realm, email),
    -- Whom a person acts for is part of who the person is (convention 50).
    check ((realm = 'merchant') = (merchant_id is not null)),
    check ((realm = 'customer') = (customer_id is not null))
);

create index person_by_merchant on people.person (merchant_id) where merchant_id is not null;

-- Roles put together in this deployment; the ready-made ones are the program's.
create table people.role (
    id          text        primary key check (id ~ '^[a-z][a-z0-9_]{0,39}$'),
    name        text        not null check (name <> ''),
    realm       text        not null check (realm in ('staff', 'merchant', 'customer')),
    permissions text[]      not null,
    version     integer     not null default 1,
    created_at  timestamptz not null default clock_timestamp()
);

-- One row a sign-in, of a person or of an API key. The ticket itself is never stored (convention 55).
create table people.session (
    id         uuid        primary key,
    hash       bytea       not null unique,                  -- SHA-256 of the ticket
    person_id  uuid        references people.person,
    api_key_id uuid        references access.api_key,
    agent      text,                                         -- the browser's own name, for its owner's list
    started_at timestamptz not null default clock_timestamp(),
    used_at    timestamptz not null default clock_timestamp(),
    idle       interval    not null,
    expires_at timestamptz not null,
    ended_at   timestamptz,
    check ((person_id is null) <> (api_key_id is null))
);

create index session_by_person on people.session (person_id) where ended_at is null;
create index session_by_end on people.session (expires_at);

-- One-time tokens by which a person sets a first or a new password.
create table people.invitation (
    id         uuid        primary key,
    person_id  uuid        not null references people.person,
    hash       bytea       not null unique,
    expires_at timestamptz not null,
    used_at    timestamptz,
    created_at timestamptz not null default clock_timestamp()
);

create index invitation_by_person on people.invitation (person_id);

-- Failed sign-ins by a hash of realm and address, whether or not there is such a person: the same answer, the same work
-- and the same lock for both (convention 54).
create table people.attempt (
    key        bytea       primary key,
    failed     integer     not null,
    is_refused boolean     not null default false,           -- whether the latest one came before allowed_at
    allowed_at timestamptz not null,
    last_at    timestamptz not null
);

create index attempt_by_age on people.attempt (last_at);

-- The person behind a key: nobody is two people by having a key as well (convention 52).
alter table access.api_key add column subject text;

grant usage on schema people to tessera_app;
grant select, insert, update on people.person, people.session, people.invitation to tessera_app;
grant delete on people.session, people.invitation to tessera_app;
grant select, insert, update, delete on people.role, people.attempt to tessera_app;
