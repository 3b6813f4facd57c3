-- 0003_audit.sql: the sealed log. The sealer gives every event its place (gapless) and its link in the hash chain.

create schema audit;

-- hash = SHA-256(prev_hash || canonical JSON of the event, RFC 8785); prev_hash is the hash of seq - 1, and 32 zero
-- bytes for the first (convention 46). Append-only.
create table audit.entry (
    seq        bigint      primary key check (seq > 0),
    tx         bigint      not null,                        -- transaction and position of the event: find its row
    position   bigint      not null,
    created_at timestamptz not null,                        -- of the event: finds its partition
    hash       bytea       not null check (length(hash) = 32)
);

-- How far sealing has come: events of transactions below next_tx are sealed. One row; its lock makes one sealer.
create table audit.seal (
    one       boolean primary key default true check (one),
    next_tx   bigint  not null default 0,
    seq       bigint  not null default 0,
    hash      bytea   not null default '\x0000000000000000000000000000000000000000000000000000000000000000'
);
insert into audit.seal default values;
