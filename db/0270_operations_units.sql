-- 0270_operations_units.sql: changes of the state of many units (BLK-05): what was selected, what was done, undo.

create schema operations;
grant usage on schema operations to tessera_app;

-- A change of many units. Its id is also that of the operation that carries it out, once it may.
create table operations.unit_plan (
    id           uuid        primary key,
    action       text        not null
        check (action in ('redeemed', 'former', 'paid', 'refunded', 'cancelled', 'revoked')),
    cause        text        check (cause in ('merchant_support', 'wrong_redemption', 'payment_dispute', 'technical_fault')),
    merchant_id  uuid        references access.merchant,
    client_id    uuid        not null,                        -- whose redemptions those are that it records
    total        bigint      not null,
    lines_hash   text        not null,                        -- SHA-256 over the lines: what an approval binds to
    started_at   timestamptz,                                 -- null: waits for approval
    undo_until   timestamptz,                                 -- null: not started, or there is no way back
    undone_by    uuid        references platform.operation on delete set null,
    created_by   text        not null,
    created_at   timestamptz not null default clock_timestamp(),
    constraint an_override_has_a_cause check ((cause is null) = (action in ('cancelled', 'revoked')))
);

-- A unit of a plan, or a line that names none. What was done is written once, with the batch that did it.
create table operations.unit_line (
    plan_id         uuid        not null references operations.unit_plan,
    line            bigint      not null,
    coupon_id       bigint,                                   -- null: the line names no unit
    instance_id     bigint,
    version         bigint,                                   -- of the unit when it was selected
    order_reference text,                                     -- of a redemption that took place: the evidence
    order_minor     bigint,
    discount_minor  bigint,
    currency        text        check (currency ~ '^[A-Z]{3}$'),
    redeemed_at     timestamptz,
    customer_id     uuid,
    refused         text,                                     -- why the line cannot be carried out, whatever the unit is
    outcome         text        check (outcome in ('changed', 'unchanged', 'refused')),
    done_version    bigint,                                   -- of a unit that was changed
    state_before    text,
    redemption_id   uuid,                                     -- that was recorded, or taken back
    primary key (plan_id, line)
);

grant select, insert, update, delete on operations.unit_plan, operations.unit_line to tessera_app;
