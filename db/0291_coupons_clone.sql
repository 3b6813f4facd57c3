-- 0291_coupons_clone.sql: the clone of a campaign is undone like what creates many (CMP-08, BLK-07). Locks coupons.bulk_plan for an
-- instant: the check becomes wider.

alter table coupons.bulk_plan
    drop constraint bulk_plan_action_check,
    add constraint bulk_plan_action_check
        check (action in ('activate', 'deactivate', 'edit', 'delete', 'import', 'create', 'issue', 'clone')) not valid;
