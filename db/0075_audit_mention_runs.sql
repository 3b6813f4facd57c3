-- 0075_audit_mention_runs.sql: the index of mentions in runs. Keys, coupons and types are spoken of by entry after entry;
-- one row for up to 64 of them makes the index, and what it costs beside redemptions, about half.

-- The index is derived: it is made anew, in the same chunks, by the indexer.
drop table audit.mention;
create table audit.mention (
    thing bigint   not null,
    seq   bigint   not null,                               -- the first entry of the run
    more  smallint[] check (cardinality(more) between 1 and 63), -- how far behind it the others are, in order, below 4096
    primary key (thing, seq)
) partition by range (seq);
grant select, insert on audit.mention to tessera_app;

delete from audit.span;
update audit.indexed set seq = 0;
