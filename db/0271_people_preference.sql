-- 0271_people_preference.sql: what a person likes about the app, wherever they sign in (UI-12).

-- A small document: sorts of lists, what was searched for last, of which live events a message tells.
create table people.preference (
    person_id  uuid        primary key references people.person on delete cascade,
    document   jsonb       not null,
    updated_at timestamptz not null default clock_timestamp(),
    constraint a_small_document check (pg_column_size(document) <= 16384)
);
grant select, insert, update, delete on people.preference to tessera_app;
