-- 0302_coupons_months.sql: many who need a month at once. Who had waited for the one that makes it asked for it by to_regclass
-- again, which answers from what its session remembers: that there is none. It made the month a second time and failed.
-- Replaces two functions, otherwise as they were; locks nothing, and may be applied again.

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
        -- A query looks at what has been committed.
        continue when exists (select from pg_class c where c.relnamespace = 'coupons'::regnamespace and c.relname = name);
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

create or replace function platform.ensure_event_months(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, platform set timezone = 'UTC' as $$
declare
    month timestamptz;
    name  text;
begin
    perform pg_advisory_xact_lock(hashtextextended('platform.ensure_event_months', 0));
    for month in select date_trunc('month', at) + n * interval '1 month' from generate_series(0, 2) n loop
        name := 'event_' || to_char(month, 'YYYYMM');
        continue when exists (select from pg_class c where c.relnamespace = 'platform'::regnamespace and c.relname = name);
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
