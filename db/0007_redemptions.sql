-- 0007_redemptions.sql: reservations, redemptions, rollbacks and refusals.

create schema redemptions;

-- A use held for one checkout (RED-05). It stands while not ended and before expires_at; a lapse needs no job.
create table redemptions.reservation (
    id              uuid        primary key,
    coupon_id       bigint      not null,
    instance_id     bigint      not null,
    instance_end    timestamptz not null,                     -- the instance's valid_until: part of its key
    by_shared_code  boolean     not null,
    customer_id     uuid        not null,
    client_id       uuid        not null,
    channel         text,
    order_reference text        not null,
    order_minor     bigint      not null check (order_minor >= 0),
    discount_minor  bigint      not null check (discount_minor between 0 and order_minor),
    currency        text        not null check (currency ~ '^[A-Z]{3}$'),
    account_ids     uuid[]      not null,
    amounts         bigint[]    not null,
    decided_at      timestamptz not null,
    expires_at      timestamptz not null check (expires_at > decided_at),
    ended_at        timestamptz,
    ending          text        check (ending in ('redeemed', 'released', 'lapsed')),
    constraint an_ending_has_its_instant check ((ended_at is null) = (ending is null))
);
create unique index one_standing_reservation_per_instance on redemptions.reservation (instance_id) where ended_at is null;
create index reservation_due on redemptions.reservation (expires_at) where ended_at is null;

-- One row per accepted use. Never deleted; a rollback stamps it. The window of the instance is kept beside the instant
-- that decided, so that the database itself refuses a late or early one (RED-07).
create table redemptions.redemption (
    id              uuid        primary key,
    coupon_id       bigint      not null,
    coupon_version  bigint      not null,                     -- the definition it was decided by (RUL-12)
    instance_id     bigint      not null,
    instance_end    timestamptz not null,                     -- the valid_until of the instance: part of its key
    by_shared_code  boolean     not null,
    customer_id     uuid        not null,
    client_id       uuid        not null,                     -- the API key that asked
    channel         text,
    order_reference text        not null check (order_reference <> ''),
    order_minor     bigint      not null check (order_minor >= 0),
    discount_minor  bigint      not null,
    currency        text        not null check (currency ~ '^[A-Z]{3}$'),
    valid_from      timestamptz not null,
    valid_until     timestamptz not null,
    decided_at      timestamptz not null,                     -- the database clock after the rows were held
    reservation_id  uuid,
    idempotency_key uuid        not null,                     -- hash, see platform.idempotency
    booking_status  text        check (booking_status in ('pending', 'completed')),
    rolled_back_at  timestamptz,
    constraint within_the_window check (valid_from <= decided_at and decided_at < valid_until),
    constraint never_more_than_the_order check (discount_minor between 0 and order_minor),
    constraint rolled_back_afterwards check (rolled_back_at >= decided_at)
);
-- RED-06: an instance is redeemed at most once, whatever the application believes.
create unique index one_standing_redemption_per_instance on redemptions.redemption (instance_id) where rolled_back_at is null;
-- A repeat without its idempotency key still has no second effect (convention 17).
create unique index one_standing_use_of_a_shared_code_per_order
    on redemptions.redemption (coupon_id, coalesce(channel, ''), order_reference)
    where by_shared_code and rolled_back_at is null;
create index redemption_by_coupon on redemptions.redemption (coupon_id, decided_at, id);
create index redemption_by_customer on redemptions.redemption (customer_id, decided_at);

-- A use given back (RED-12).
create table redemptions.rollback (
    id             uuid        primary key,
    redemption_id  uuid        not null references redemptions.redemption,
    discount_minor bigint      not null check (discount_minor >= 0),
    use_returned   boolean     not null,
    reason         text        not null,
    client_id      uuid        not null,
    at             timestamptz not null
);
create unique index one_rollback_per_redemption on redemptions.rollback (redemption_id);

-- Attempts that were refused, with the reason (RED-14).
create table redemptions.refusal (
    id              uuid        primary key,
    operation       text        not null check (operation in ('reserve', 'redeem')),
    reason          text        not null,
    coupon_id       bigint,
    instance_id     bigint,
    customer_id     uuid,
    client_id       uuid        not null,
    channel         text,
    order_reference text,
    order_minor     bigint,
    currency        text,
    code_hint       text,                                     -- first characters only: codes are secrets
    decided_at      timestamptz not null
);
create index refusal_by_coupon on redemptions.refusal (coupon_id, decided_at desc) where coupon_id is not null;

-- Where an attempt came from, while the fraud purpose needs it (AUD-07). Apart, so that it can be erased alone.
create table redemptions.origin (
    attempt_id         uuid        primary key,               -- redemption or refusal
    ip                 inet,
    device_fingerprint text,
    email_hash         bytea,
    decided_at         timestamptz not null
);
