-- 0072_audit_mention.sql: which entries concern what, so that a history is read from an index and not from the log (AUD-03).

-- One row per entry and thing it speaks of: its subject, its actor, its type, the ids in its payload, the accounts it
-- moved. The thing is the first 64 bits of SHA-256 over its name; readers look at the entry itself, so a collision costs
-- a row and shows nothing wrong. Derived: can be emptied and built again from the log. In chunks of 4,194,304 entries: the
-- chunk that is written to stays in memory, and a look-up asks each chunk once.
create table audit.mention (
    thing bigint not null,
    seq   bigint not null,
    primary key (thing, seq)
) partition by range (seq);

create function audit.ensure_mention_chunk(at bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, audit as $$
declare
    chunk bigint := at / 4194304;
    name  text := 'mention_' || chunk;
begin
    if to_regclass('audit.' || name) is null then
        execute format('create table audit.%I partition of audit.mention for values from (%s) to (%s)',
            name, chunk * 4194304, (chunk + 1) * 4194304);
    end if;
end $$;

-- Blocks of entries with the instants between which their events lie: finds a period without an index on the log.
create table audit.span (
    first_seq bigint      primary key,
    last_seq  bigint      not null,
    first_at  timestamptz not null,
    last_at   timestamptz not null
);

-- How far the index has come. One row; its lock makes one indexer.
create table audit.indexed (
    one boolean primary key default true check (one),
    seq bigint  not null default 0
);
insert into audit.indexed default values;

grant select, insert on audit.mention to tessera_app;
grant select, insert, update on audit.span to tessera_app;
grant select, update on audit.indexed to tessera_app;
