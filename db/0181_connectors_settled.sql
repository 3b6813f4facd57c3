-- 0181_connectors_settled.sql: when every partner that a batch concerned had confirmed it, or the rest had gone to people
-- (EXP-07). What was told before counts as settled. Locks connectors.batch for an instant.

alter table connectors.batch add settled_at timestamptz default now();
alter table connectors.batch alter settled_at drop default;
create index batch_unsettled on connectors.batch (id) where settled_at is null;
