-- 0285_platform_maintenance.sql: what makes partitions tells of them in the log, in the same transaction (AUD-01). Replaces three
-- functions, otherwise as they were; locks nothing, and may be
-- applied again.

-- The first chunk belongs to the set-up, of which the log tells as a whole.
select audit.ensure_mention_chunk(0);

create or replace function platform.tell_of_partition(name text) returns void language sql set search_path = pg_catalog as $$
    insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
    values (gen_random_uuid(), 'database', name, 'database.partition_made', 1, 'job:partitions',
        jsonb_build_object('partition', name), platform.clock())
$$;
revoke execute on function platform.tell_of_partition(text) from public;

create or replace function platform.ensure_event_months(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, platform set timezone = 'UTC' as $$
declare
    month timestamptz;
    name  text;
begin
    perform pg_advisory_xact_lock(hashtextextended('platform.ensure_event_months', 0));
    for month in select date_trunc('month', at) + n * interval '1 month' from generate_series(0, 2) n loop
        name := 'event_' || to_char(month, 'YYYYMM');
        continue when to_regclass('platform.' || name) is not null;
        continue when exists (select from platform.event_default
                              where created_at >= month and created_at < month + interval '1 month');
        begin
            execute format('create table platform.%I partition of platform.event for values from (%L) to (%L)',
                name, month, month + interval '1 month');
            perform platform.tell_of_partition('platform.' || name);
        exception when check_violation then
            null;                                            -- a row came in meanwhile: the month stays in the default
        end;
    end loop;
end $$;

create or replace function coupons.ensure_instance_months(ends timestamptz[]) returns void
    language plpgsql security definer set search_path = pg_catalog, coupons set timezone = 'UTC' as $$
declare
    month timestamptz;
    name  text;
begin
    for month in select distinct date_trunc('month', e) from unnest(ends) e where isfinite(e) order by 1 loop
        name := 'instance_' || to_char(month, 'YYYYMM');
        continue when to_regclass('coupons.' || name) is not null;
        perform pg_advisory_xact_lock(hashtextextended('coupons.ensure_instance_months', 0));
        continue when to_regclass('coupons.' || name) is not null;
        execute format('create table coupons.%I (like coupons.instance including all) partition by hash (id)', name);
        for part in 0 .. 3 loop
            execute format('create table coupons.%I partition of coupons.%I for values with (modulus 4, remainder %s) '
                'with (fillfactor = 85)', name || '_' || part, name, part);
        end loop;
        execute format('alter table coupons.instance attach partition coupons.%I for values from (%L) to (%L)',
            name, month, month + interval '1 month');
        perform platform.tell_of_partition('coupons.' || name);
    end loop;
end $$;

create or replace function audit.ensure_mention_chunk(at bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, audit as $$
declare
    chunk bigint := at / 4194304;
    name  text := 'mention_' || chunk;
begin
    if to_regclass('audit.' || name) is null then
        execute format('create table audit.%I partition of audit.mention for values from (%s) to (%s)',
            name, chunk * 4194304, (chunk + 1) * 4194304);
        perform platform.tell_of_partition('audit.' || name);
    end if;
end $$;
