-- 0309_insights_refusal_order.sql: refusals are counted in the order in which they were decided (MET-24). They were in that of
-- their numbers, which are given when something is asked: what was decided after one with a later number was passed over where
-- a pass of the counting fell between the two. Goes on after what has been counted. Locks one row, for a moment.
alter table insights.progress add column refusal_at timestamptz not null default '-infinity';

update insights.progress p set refusal_at = l.decided_at, refusal_id = l.id
from (
    select f.decided_at, f.id from redemptions.refusal f
    where f.id <= (select refusal_id from insights.progress)
    order by f.decided_at desc, f.id desc limit 1) l;
