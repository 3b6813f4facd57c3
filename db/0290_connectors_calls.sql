-- 0290_connectors_calls.sql: for how many calls a row of the log stands, so that figures and their rows are the same number
-- (MET-24). Of single commands that went well one row stands for all of a round. Rows from before stand for one each. Locks
-- connectors.attempt for an instant: the default is a constant, so no row is rewritten.

alter table connectors.attempt add column calls integer not null default 1;
