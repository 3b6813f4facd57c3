-- 0030_orders.sql: whole carts: orders as placed, the promotions used on them, reservations of carts, returns (RED-05,
-- RED-06, RED-12, RUL-12).

-- An order as it was priced: by a cart redemption, or taken over from elsewhere to test promotions on.
create table redemptions.placed_order (
    id              uuid        primary key,
    source          text        not null default 'api' check (source ~ '\A[a-z0-9_-]{1,40}\Z'),
    merchant_id     uuid,
    client_id       uuid        not null,
    customer_id     uuid,                                     -- null: an unknown visitor
    channel         text,
    reference       text        not null check (reference <> ''),
    currency        text        not null check (currency ~ '^[A-Z]{3}$'),
    subtotal_minor  bigint      not null check (subtotal_minor >= 0),
    discount_minor  bigint      not null check (discount_minor >= 0),
    total_minor     bigint      not null check (total_minor >= 0),
    cart            jsonb       not null,                     -- lines, deliveries and customer, as priced
    placed_at       timestamptz not null,                     -- the database clock after the rows were held
    reservation_id  uuid,
    idempotency_key uuid,
    version         integer     not null default 1,           -- counts returns and endings
    ended_at        timestamptz,
    ending          text        check (ending in ('returned', 'replaced')),
    constraint an_ending_has_its_instant check ((ended_at is null) = (ending is null))
);
-- A repeat without its idempotency key still has no second effect (convention 17).
create unique index one_standing_order_per_reference on redemptions.placed_order
    (coalesce(merchant_id, '00000000-0000-0000-0000-000000000000'), source, coalesce(channel, ''), reference)
    where ended_at is null;
create index placed_order_by_time on redemptions.placed_order (source, placed_at, id);
create index placed_order_by_customer on redemptions.placed_order (customer_id) where customer_id is not null;

-- One promotion or coupon that gave something on an order, with its share of each line: a return gives back exactly that.
create table redemptions.promotion_use (
    id                uuid        primary key,                -- of its posting; of the redemption, where a coupon was used
    order_id          uuid        not null references redemptions.placed_order,
    place             integer     not null,                   -- in the order in which they applied
    promotion_id      text        not null,                   -- a promotion, or coupon:7 where a coupon prices itself
    promotion_version bigint      not null,                   -- it was decided by (RUL-12)
    coupon_id         bigint,
    customer_id       uuid,
    email_hash        text,
    discount_minor    bigint      not null check (discount_minor > 0),
    targets           text[]      not null,                   -- lines, order or shipping
    target_ids        text[]      not null,                   -- of the line or delivery
    amounts           bigint[]    not null,
    decided_at        timestamptz not null,
    returned_minor    bigint      not null default 0 check (returned_minor between 0 and discount_minor),
    use_returned      boolean     not null default false,     -- the use counts no more
    ended_at          timestamptz,                            -- all of it was given back
    check (cardinality(targets) = cardinality(amounts) and cardinality(target_ids) = cardinality(amounts))
);
create index promotion_use_by_order on redemptions.promotion_use (order_id, place);
create index promotion_use_by_promotion on redemptions.promotion_use (promotion_id, decided_at);
create index promotion_use_by_customer on redemptions.promotion_use (promotion_id, customer_id)
    where customer_id is not null and not use_returned;
create index promotion_use_by_email on redemptions.promotion_use (promotion_id, email_hash)
    where email_hash is not null and not use_returned;

-- A cart held for one checkout. It stands while not ended and before expires_at; a lapse needs no job.
create table redemptions.order_reservation (
    id             uuid        primary key,
    merchant_id    uuid,
    client_id      uuid        not null,
    customer_id    uuid,
    channel        text,
    reference      text        not null check (reference <> ''),
    currency       text        not null check (currency ~ '^[A-Z]{3}$'),
    subtotal_minor bigint      not null,
    discount_minor bigint      not null,
    total_minor    bigint      not null,
    cart           jsonb       not null,
    decided_at     timestamptz not null,
    expires_at     timestamptz not null check (expires_at > decided_at),
    ended_at       timestamptz,
    ending         text        check (ending in ('redeemed', 'released', 'lapsed')),
    constraint an_ending_has_its_instant check ((ended_at is null) = (ending is null))
);
create index order_reservation_due on redemptions.order_reservation (expires_at) where ended_at is null;

-- What it holds: one row a promotion or coupon. The row of a coupon has the id of its redemptions.reservation.
create table redemptions.promotion_hold (
    id                uuid        primary key,
    reservation_id    uuid        not null references redemptions.order_reservation,
    promotion_id      text        not null,
    promotion_version bigint      not null,
    coupon_id         bigint,
    code              text,                                   -- in its normal form
    account_ids       uuid[]      not null,
    discount_minor    bigint      not null,
    expires_at        timestamptz not null,
    ended_at          timestamptz
);
create index promotion_hold_by_reservation on redemptions.promotion_hold (reservation_id);
create index promotion_hold_standing on redemptions.promotion_hold (promotion_id, expires_at) where ended_at is null;

-- Units given back, and what that returns: of each line the share paid, of each promotion its share (RED-12).
create table redemptions.order_return (
    id             uuid        primary key,
    order_id       uuid        not null references redemptions.placed_order,
    paid_minor     bigint      not null check (paid_minor >= 0),
    discount_minor bigint      not null check (discount_minor >= 0),
    reason         text        not null,
    client_id      uuid        not null,
    detail         jsonb       not null,                      -- units of lines, deliveries, shares of promotions
    at             timestamptz not null
);
create index order_return_by_order on redemptions.order_return (order_id, at);

grant select, insert, update on redemptions.placed_order, redemptions.promotion_use, redemptions.order_reservation,
    redemptions.promotion_hold to tessera_app;
grant select, insert on redemptions.order_return to tessera_app;
