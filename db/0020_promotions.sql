-- 0020_promotions.sql: promotions as the engine prices them, every version of them, and receipts (RUL-05, RUL-06, RUL-12).

create schema promotions;

-- The present version. The definition is the wire format, so that what was saved is what is shown and what is priced.
create table promotions.promotion (
    id          uuid        primary key,
    merchant_id uuid        references access.merchant,       -- null: the deployment's
    coupon_id   bigint      references coupons.coupon,        -- null: applies by itself; else prices that coupon's codes
    name        text        not null check (name <> ''),
    apply_order integer     not null check (apply_order > 0), -- 1 applies first; ties go by id
    state       text        not null default 'inactive' check (state in ('active', 'inactive')),
    version     integer     not null default 1,
    definition  jsonb       not null,
    created_by  text        not null,
    created_at  timestamptz not null default clock_timestamp(),
    updated_at  timestamptz not null default clock_timestamp(),
    deleted_at  timestamptz
);
create unique index one_promotion_prices_a_coupon on promotions.promotion (coupon_id)
    where coupon_id is not null and deleted_at is null;
create index promotion_active on promotions.promotion (merchant_id, apply_order, id)
    where state = 'active' and deleted_at is null;
create index promotion_newest on promotions.promotion (created_at desc, id desc) where deleted_at is null;

-- What a version said, for ever: a receipt names it, and a replay prices with it (RUL-12).
create table promotions.version (
    promotion_id uuid        not null references promotions.promotion,
    version      integer     not null,
    coupon_id    bigint,
    state        text        not null,
    definition   jsonb       not null,
    created_by   text        not null,
    created_at   timestamptz not null,
    primary key (promotion_id, version)
);

-- Why a price came out as it did. Compact: short names, nothing that is empty; the input beside it, for a replay.
create table promotions.receipt (
    id          uuid        primary key,
    kind        text        not null check (kind in ('quote', 'reservation', 'redemption', 'refusal')),
    subject_id  uuid,                                         -- the reservation, redemption or refusal it explains
    merchant_id uuid,
    client_id   uuid        not null,
    customer_id uuid,
    decided_at  timestamptz not null,
    receipt     jsonb       not null,
    input       jsonb       not null
);
create index receipt_by_subject on promotions.receipt (subject_id) where subject_id is not null;

-- Counts the changes to the promotions of one owner. A compiled book remembers it, so that a decision can see under its
-- locks whether the book is the present one, whatever became of the notifications.
create table promotions.stamp (
    owner_id uuid   primary key,                              -- the merchant; all zeros: the deployment
    stamp    bigint not null
);

-- Every node hears of a change when it is committed, and compiles anew.
create function promotions.tell() returns trigger language plpgsql as $$
declare
    owner constant uuid := coalesce(new.merchant_id, '00000000-0000-0000-0000-000000000000');
begin
    insert into promotions.stamp as s values (owner, 1) on conflict (owner_id) do update set stamp = s.stamp + 1;
    perform pg_notify('promotions', owner::text);
    return null;
end $$;
create trigger promotion_changed after insert or update on promotions.promotion
    for each row execute function promotions.tell();

grant usage on schema promotions to tessera_app;
grant select, insert, update on promotions.promotion, promotions.stamp to tessera_app;
grant select, insert on promotions.version, promotions.receipt to tessera_app;
