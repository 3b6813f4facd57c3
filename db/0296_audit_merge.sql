-- 0296_audit_merge.sql: four full chunks of the index of mentions become one, and four of those one again, so that a look-up in a log
-- of 100 million entries asks six chunks and not 24. Locks nothing but for the moment in which chunks change places.

-- The chunks of the index: the first of the smallest ones they are worth, and how many. One that is being made is no part of the
-- index yet, and says how many of the 256 shares of keys for each of its smallest have been copied.
create table audit.chunk (
    first  bigint not null,
    size   int    not null check (size in (1, 4, 16)),
    copied int    check (copied between 0 and 256 * size),  -- null once it is part of the index
    primary key (first, size)
);
insert into audit.chunk (first, size)
select substring(c.relname from '^mention_(\d+)$')::bigint, 1
from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit.mention'::regclass;

create function audit.name_of(chunk audit.chunk) returns text language sql immutable set search_path = pg_catalog as $$
    select 'mention_' || (chunk).first || case (chunk).size when 1 then '' else '_' || (chunk).first + (chunk).size - 1 end
$$;

create or replace function audit.ensure_mention_chunk(at bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, audit as $$
declare
    chunk bigint := at / 4194304;
    name  text := 'mention_' || chunk;
begin
    if not exists (select from audit.chunk c where copied is null and chunk >= c.first and chunk < c.first + c.size) then
        execute format('create table audit.%I partition of audit.mention for values from (%s) to (%s)',
            name, chunk * 4194304, (chunk + 1) * 4194304);
        insert into audit.chunk (first, size) values (chunk, 1);
        perform platform.tell_of_partition('audit.' || name);
    end if;
end $$;

-- One step: begins a merge, copies the next shares of its keys, or puts what is whole in the place of its four. Chunks that are
-- merged are full, so nothing is written to them any more; whatever stops a step, the next goes on where the last was committed.
-- Each statement of a reader takes its snapshot when it has locked the index, and so after all of a chunk was copied: whoever reads
-- the index has to do so in transactions that are read committed.
-- False when there is nothing to do, when another does it, or when chunks cannot change places for those who read.
create function audit.merge_mentions(shares int default 1) returns boolean
    language plpgsql security definer set search_path = pg_catalog, audit
    set lock_timeout = '250ms' set enable_seqscan = off set work_mem = '32MB' as $$
declare
    made  audit.chunk;
    part  audit.chunk;
    low   bigint;
    high  bigint;
    width bigint;
    key   bigint;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('audit.merge_mentions', 0)) then
        return false;
    end if;

    select * into made from audit.chunk where copied is not null;
    if not found then
        select c.first, c.size * 4, 0 into made
        from audit.chunk c cross join audit.indexed i
        where c.size < 16 and c.first % (c.size * 4) = 0 and i.seq >= (c.first + c.size * 4) * 4194304 - 1
            and 4 = (select count(*) from audit.chunk n
                     where n.size = c.size and n.first >= c.first and n.first < c.first + c.size * 4)
        order by c.size, c.first limit 1;
        if not found then
            return false;
        end if;

        execute format('create table audit.%I (like audit.mention including constraints including indexes,
            check (seq >= %s and seq < %s))', audit.name_of(made), made.first * 4194304, (made.first + made.size) * 4194304);
        insert into audit.chunk values (made.*);
        perform platform.tell_of_partition('audit.' || audit.name_of(made));
        return true;
    end if;

    low := made.first * 4194304;
    high := (made.first + made.size) * 4194304;
    if made.copied < 256 * made.size then
        -- Keys are hashes: equal ranges of them are about equal shares.
        shares := least(shares, 256 * made.size - made.copied, 128);
        width := 72057594037927936 / made.size;
        key := (made.copied - 128 * made.size) * width;
        execute format('insert into audit.%I (thing, seq, more) select thing, seq, more from audit.mention
            where seq >= %s and seq < %s and thing between %L::bigint and %L::bigint order by thing, seq',
            audit.name_of(made), low, high, key, key + (shares - 1) * width + (width - 1));
        update audit.chunk set copied = copied + shares where copied is not null;
        return true;
    end if;

    for part in select * from audit.chunk c where copied is null and c.first >= made.first and c.first < made.first + made.size loop
        execute format('drop table audit.%I', audit.name_of(part));
    end loop;
    delete from audit.chunk c where copied is null and c.first >= made.first and c.first < made.first + made.size;
    execute format('alter table audit.mention attach partition audit.%I for values from (%s) to (%s)',
        audit.name_of(made), low, high);
    update audit.chunk set copied = null where copied is not null;
    return true;
exception when lock_not_available then
    return false;
end $$;
