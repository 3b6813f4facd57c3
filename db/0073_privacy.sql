-- 0073_privacy.sql: the one place of names and addresses, encrypted with a key per person; what data subjects ask for; how
-- long data is kept (AUD-06 to AUD-08, R-13).

create schema privacy;

-- The key of one person, sealed with the key of the deployment. Erasure deletes the row: whatever copy of the data is left
-- somewhere can be read by nobody any more.
create table privacy.person_key (
    customer_id uuid        primary key,
    sealed      bytea       not null,
    fingerprint bytea       not null check (length(fingerprint) = 32),
    created_at  timestamptz not null default clock_timestamp()
);

create table privacy.personal_data (
    customer_id uuid        primary key references privacy.person_key on delete cascade,
    encrypted   bytea       not null,                         -- AES-256-GCM of a JSON object, bound to person and version
    email_hash  bytea,                                        -- keyed: finds a person by address, tells nobody the address
    version     integer     not null,
    updated_at  timestamptz not null
);
create index personal_data_by_email on privacy.personal_data (email_hash) where email_hash is not null;

-- That somebody was erased outlives the data, so that a restored backup can be erased again.
create table privacy.erased (
    customer_id uuid        primary key,
    request_id  uuid        not null,
    fingerprint bytea,                                        -- of the key that was destroyed; null when there was none
    at          timestamptz not null
);

-- What people ask for, with its due date and what was done.
create table privacy.request (
    id           uuid        primary key,
    customer_id  uuid        not null,
    kind         text        not null check (kind in ('access', 'portability', 'rectification', 'objection', 'erasure')),
    state        text        not null default 'open' check (state in ('open', 'done', 'refused')),
    purposes     text[]      not null default '{}',           -- of an objection
    received_at  timestamptz not null,
    due_at       timestamptz not null check (due_at > received_at),
    created_by   text        not null,
    decided_by   text,
    decided_at   timestamptz,
    ground       text,                                        -- of a refusal, as a word
    proof        jsonb,
    export_until timestamptz,                                 -- the copy can be fetched before this, once
    fetched_at   timestamptz,
    version      integer     not null default 1,
    constraint what_is_decided_has_its_instant check ((state = 'open') = (decided_at is null))
);
create index request_by_customer on privacy.request (customer_id, received_at desc);
create index request_newest on privacy.request (received_at desc, id desc);
create index request_due on privacy.request (due_at) where state = 'open';

-- Purposes a person does not want data used for. Asked at the moment of use.
create table privacy.objection (
    customer_id uuid        not null,
    purpose     text        not null check (purpose in ('marketing', 'profiling', 'analytics')),
    since       timestamptz not null,
    primary key (customer_id, purpose)
);

-- Nothing of the customer, or of the kind, is deleted while a hold stands.
create table privacy.legal_hold (
    id          uuid        primary key,
    customer_id uuid,                                         -- null: a kind of data, of everybody
    data_kind   text,
    matter      text        not null check (matter <> ''),    -- the file number of the matter, no names
    created_by  text        not null,
    created_at  timestamptz not null,
    ended_at    timestamptz check (ended_at >= created_at),
    check ((customer_id is null) <> (data_kind is null))
);
create index legal_hold_of_customer on privacy.legal_hold (customer_id) where ended_at is null;

-- How long a kind of data is kept; a kind without a row keeps the period it came with.
create table privacy.retention (
    data_kind text    primary key,
    keep_days integer not null check (keep_days between 1 and 36500),
    version   integer not null default 1
);

-- The report: what was deleted, and what a hold kept.
create table privacy.retention_run (
    id        uuid        primary key,
    data_kind text        not null,
    keep_days integer     not null,
    cutoff    timestamptz not null,
    deleted   bigint      not null,
    held      bigint      not null,
    at        timestamptz not null
);
create index retention_run_newest on privacy.retention_run (at desc, id desc);

grant usage on schema privacy to tessera_app;
grant select, insert, delete on privacy.person_key to tessera_app;
grant select, insert, update, delete on privacy.personal_data to tessera_app;
grant select, insert on privacy.erased, privacy.retention_run to tessera_app;
grant select, insert, update on privacy.request, privacy.legal_hold, privacy.retention to tessera_app;
grant select, insert, delete on privacy.objection to tessera_app;

-- Who saw personal data in full, and why, in words. The log has the hash of the words.
create table privacy.reveal (
    id          uuid        primary key,
    customer_id uuid        not null,
    actor       text        not null,
    reason      text        not null,
    at          timestamptz not null
);
create index reveal_by_customer on privacy.reveal (customer_id, at desc);
grant select, insert, update, delete on privacy.reveal to tessera_app;
