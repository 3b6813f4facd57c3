-- 0281_coupons_issue.sql: what creates or issues many is undone like what changes many (BLK-07). Locks coupons.bulk_plan for an
-- instant: the check becomes wider.

alter table coupons.bulk_plan
    drop constraint bulk_plan_action_check,
    add constraint bulk_plan_action_check
        check (action in ('activate', 'deactivate', 'edit', 'delete', 'import', 'create', 'issue')) not valid;

-- The units a plan has issued, some thousand a row.
create table coupons.issued_part (
    plan_id     uuid           not null references coupons.bulk_plan,
    number      bigint         not null,
    units       bigint         not null,
    ids         int8multirange not null,
    valid_until timestamptz    not null,                      -- of all of them, when they were issued
    primary key (plan_id, number)
);
grant select, insert, delete on coupons.issued_part to tessera_app;
