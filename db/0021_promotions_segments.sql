-- 0021_promotions_segments.sql: groups of customers: lists, and rules over what the house knows of a customer (RUL-09).

create table promotions.segment (
    id          uuid        primary key,
    merchant_id uuid        references access.merchant,       -- null: the deployment's
    name        text        not null check (name <> ''),
    currency    text        check (currency ~ '^[A-Z]{3}$'),  -- of the spend its rule asks for
    rule        jsonb,                                        -- conditions of the wire format; null: a list
    version     integer     not null default 1,               -- of the definition; who is on a list is no part of it
    created_by  text        not null,
    created_at  timestamptz not null default clock_timestamp(),
    updated_at  timestamptz not null default clock_timestamp(),
    deleted_at  timestamptz
);
create index segment_newest on promotions.segment (created_at desc, id desc) where deleted_at is null;

-- What a version said, for ever (RUL-12).
create table promotions.segment_version (
    segment_id uuid        not null references promotions.segment,
    version    integer     not null,
    name       text        not null,
    currency   text,
    rule       jsonb,
    created_by text        not null,
    created_at timestamptz not null,
    primary key (segment_id, version)
);

-- Who is on a list.
create table promotions.segment_member (
    segment_id  uuid not null references promotions.segment,
    customer_id uuid not null references access.customer,
    primary key (segment_id, customer_id)
);
create index segment_of_customer on promotions.segment_member (customer_id);

-- A changed rule is priced by on every node from the next price on, like a changed promotion.
create trigger segment_changed after insert or update on promotions.segment
    for each row execute function promotions.tell();

grant select, insert, update on promotions.segment to tessera_app;
grant select, insert on promotions.segment_version to tessera_app;
grant select, insert, delete on promotions.segment_member to tessera_app;
