-- 0082_demo.sql: whether the demo world runs by itself. Locks nothing that exists.

create schema demo;

-- One row, made when the demo world is switched on for the first time; its lock makes one node play.
create table demo.life (
    one        boolean     primary key default true check (one),
    is_on      boolean     not null,
    version    bigint      not null default 1,
    changed_at timestamptz not null default clock_timestamp()
);

grant usage on schema demo to tessera_app;
grant select, insert, update on demo.life to tessera_app;
