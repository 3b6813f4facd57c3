-- 0212_access_customer_block.sql: staff may block a customer from using coupons (RUL-13).

alter table access.customer
    add column blocked_at     timestamptz,                    -- null: may use coupons
    add column blocked_reason text,                           -- for staff; gone once the customer was erased
    add constraint a_reason_has_its_block check (blocked_at is not null or blocked_reason is null);
