-- 0054_connectors_cleaning.sql: finds what is old enough to be deleted, and the commands that were written at an instant.
-- Locks each table against writes for as long as a summary of its blocks takes.

create index attempt_by_age on connectors.attempt using brin (at);
create index batch_by_age on connectors.batch using brin (created_at);
create index command_by_age on connectors.command using brin (created_at);
create index webhook_delivery_by_age on connectors.webhook_delivery using brin (created_at);
create index awaited_by_age on connectors.awaited using brin (sent_at);
