-- 0061_people_factors.sql: second factors and passkeys of people (convention 54).

alter table people.person
    add column totp            bytea,                        -- the authenticator's secret, sealed
    add column totp_confirmed  boolean not null default false,
    add column totp_step       bigint  not null default 0;   -- the last step used: each code counts once

create table people.recovery_code (
    person_id uuid        not null references people.person,
    hash      bytea       not null,                          -- SHA-256: the codes have 80 random bits
    used_at   timestamptz,
    primary key (person_id, hash)
);

create table people.passkey (
    id         bytea       primary key,                      -- the authenticator's own id of the credential
    person_id  uuid        not null references people.person,
    name       text        not null,
    public_key bytea       not null,                         -- COSE
    sign_count bigint      not null,
    transports text[]      not null default '{}',
    is_user_verified     boolean not null,
    is_backup_eligible   boolean not null,
    is_backed_up         boolean not null,
    attestation          bytea   not null,
    client_data          bytea   not null,
    created_at timestamptz not null,
    used_at    timestamptz
);

create index passkey_by_person on people.passkey (person_id);

-- Questions asked of an authenticator or of an identity provider, good for one answer within minutes.
create table people.challenge (
    id         uuid        primary key,
    kind       text        not null check (kind in ('passkey_new', 'passkey_sign_in', 'oidc')),
    hash       bytea       not null unique,                  -- of what the browser keeps meanwhile
    person_id  uuid        references people.person,
    content    text        not null,
    expires_at timestamptz not null
);

create index challenge_by_end on people.challenge (expires_at);

grant select, insert, update, delete on people.recovery_code, people.passkey, people.challenge to tessera_app;
