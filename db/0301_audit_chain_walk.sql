-- 0301_audit_chain_walk.sql: how far the chain has been recomputed since it was sealed, and what was found. One row; its lock
-- makes one walker. Locks nothing else.

create table audit.chain_walk (
    one        boolean     primary key default true check (one),
    walk       bigint      not null default 1,                 -- counts them
    started_at timestamptz not null default clock_timestamp(),
    seq        bigint      not null default 0,                 -- the last entry that was recomputed in it
    hash       bytea       not null default decode(repeat('00', 32), 'hex') check (length(hash) = 32),
    whole_seq  bigint,                                         -- up to which a walk from the first entry on found no fault
    whole_at   timestamptz,
    fault      text        check (fault in ('missing', 'changed', 'head')),
    fault_seq  bigint,
    fault_at   timestamptz,
    check ((whole_seq is null) = (whole_at is null)),
    check ((fault is null) = (fault_seq is null) and (fault is null) = (fault_at is null))
);
insert into audit.chain_walk default values;

grant select, update on audit.chain_walk to tessera_app;
