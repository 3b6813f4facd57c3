-- 0085_coupons_bulk.sql: bulk changes of coupons (BLK-03, BLK-06 to BLK-08): what was selected, what was done, undo.

-- A change of many coupons. Its id is also that of the operation that carries it out, once it may. An import has a plan
-- too, so that it can be undone like any other.
create table coupons.bulk_plan (
    id           uuid        primary key,
    action       text        not null check (action in ('activate', 'deactivate', 'edit', 'delete', 'import')),
    input        jsonb       not null,                        -- the change, and the filter it was selected by
    merchant_id  uuid        references access.merchant,
    total        bigint      not null,
    items_hash   text        not null default '',             -- SHA-256 over ids and versions: what an approval binds to
    started_at   timestamptz,                                 -- null: waits for approval
    undo_until   timestamptz,                                 -- null: not started
    undone_by    uuid        references platform.operation,
    created_by   text        not null,
    created_at   timestamptz not null default clock_timestamp()
);

-- The coupons of a plan, a batch a row: arrays, so that a million of them are a few hundred rows. What was done is
-- written with the batch and never changed: the ids, the versions the change made, and what the fields were before.
create table coupons.bulk_part (
    plan_id     uuid     not null references coupons.bulk_plan,
    number      integer  not null,
    coupon_ids  bigint[] not null,
    versions    bigint[] not null,
    done_ids    bigint[],
    done_versions bigint[],
    befores     jsonb,                                        -- one object a done id; null: made by this plan
    primary key (plan_id, number)
);

grant select, insert, update on coupons.bulk_plan, coupons.bulk_part to tessera_app;
