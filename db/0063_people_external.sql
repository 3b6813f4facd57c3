-- 0063_people_external.sql: people who sign in at an identity provider (convention 59).

-- Keyed by issuer and subject: an address proves nothing about who somebody is elsewhere.
create table people.external (
    issuer    text not null,
    subject   text not null,
    person_id uuid not null references people.person,
    linked_at timestamptz not null default clock_timestamp(),
    primary key (issuer, subject),
    unique (issuer, person_id)
);

-- How the session began: who signed in elsewhere has brought the second factor along.
alter table people.session add column method text not null default 'password'
    check (method in ('password', 'key', 'oidc', 'passkey'));

grant select, insert on people.external to tessera_app;
