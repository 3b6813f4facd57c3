-- 0066_people_assertions.sql: assertions of a SAML identity provider that were accepted, each good once (convention 60).

create table people.assertion (
    hash       bytea       primary key,                      -- SHA-256 of issuer and id
    expires_at timestamptz not null                          -- after that the assertion is too old in any case
);

create index assertion_by_end on people.assertion (expires_at);

grant select, insert, delete on people.assertion to tessera_app;
