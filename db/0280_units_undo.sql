-- 0280_units_undo.sql: every change of many units can be undone (BLK-07): what the units were before it. Locks
-- operations.unit_line, expiration.change and expiration.batch for as long as new columns and two checks take.

-- Where an undone redemption led back to, of a unit that was redeemed before.
alter table operations.unit_line add prior_before text;

alter table expiration.change
    add undo_until timestamptz,                               -- null: one unit alone, or not a change of somebody's
    add undone_by  uuid        references platform.operation on delete set null;
create index change_by_operation on expiration.change (operation_id) where operation_id is not null;

-- The units a change has changed, a batch a row: arrays, so that a million of them are a few hundred rows. Written once, with
-- the batch.
create table expiration.change_part (
    change_id  uuid          not null references expiration.change,
    number     bigint        not null,
    ids        bigint[]      not null,                        -- of the units
    coupon_ids bigint[]      not null,
    versions   bigint[]      not null,                        -- after the change
    ends       timestamptz[] not null,                        -- before it
    states     text[]        not null,
    priors     text[]        not null,
    freed      bigint[]      not null,                        -- budget, in minor units
    currencies text[]        not null,
    primary key (change_id, number)
);
grant select, insert, delete on expiration.change_part to tessera_app;

-- What was freed and is taken back has a row of its own, with less than nothing freed.
alter table expiration.batch
    drop constraint batch_units_check,
    drop constraint batch_budget_minor_check,
    add constraint batch_units_check check (units <> 0 and (units > 0) = (cause <> 'undo')) not valid,
    add constraint batch_budget_minor_check check (budget_minor >= 0 or cause = 'undo') not valid;
