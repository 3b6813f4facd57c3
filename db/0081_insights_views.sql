-- 0081_insights_views.sql: views of lists under a name, one's own or shared with a role (UI-11). Locks nothing that exists.

create table insights.saved_view (
    id          uuid        primary key,
    list        text        not null check (list <> ''),       -- which list it is a view of
    name        text        not null check (name <> ''),
    query       text        not null,                          -- filters and sort, as the page's address has them
    owner       text        not null,                          -- who saved it: person:… or key:…
    merchant_id uuid        references access.merchant,        -- whose people may see it; null: the deployment's
    realm       text        not null,
    role        text,                                          -- people with this role see it too; null: the owner alone
    version     integer     not null default 1,
    created_at  timestamptz not null default clock_timestamp(),
    unique (owner, list, name)
);

create index saved_view_by_role on insights.saved_view (role) where role is not null;

grant select, insert, update, delete on insights.saved_view to tessera_app;
