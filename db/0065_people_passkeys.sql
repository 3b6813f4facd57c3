-- 0065_people_passkeys.sql: passkeys of people (WebAuthn; ACC-01, convention 54), and questions of other kinds than OIDC's.
-- Locks people.challenge and people.session for a moment; both are small.

create table people.passkey (
    id            uuid        primary key,
    person_id     uuid        not null references people.person,
    credential_id bytea       not null check (octet_length(credential_id) between 1 and 1023),
    name          text        not null check (name <> ''),
    public_key    bytea       not null,                      -- COSE, as the authenticator gave it
    sign_count    bigint      not null check (sign_count >= 0),
    transports    text[]      not null default '{}',
    is_backup_eligible boolean not null,
    is_backed_up  boolean     not null,
    created_at    timestamptz not null default clock_timestamp(),
    used_at       timestamptz
);

-- A credential belongs to one person.
create unique index one_person_per_credential on people.passkey (credential_id);
create index passkey_by_person on people.passkey (person_id);

alter table people.challenge drop constraint challenge_kind_check;
alter table people.challenge add constraint challenge_kind_check
    check (kind in ('oidc', 'saml', 'passkey_new', 'passkey_sign_in'));
alter table people.session drop constraint session_method_check;
alter table people.session add constraint session_method_check
    check (method in ('password', 'key', 'oidc', 'saml', 'passkey'));

grant select, insert, update, delete on people.passkey to tessera_app;
