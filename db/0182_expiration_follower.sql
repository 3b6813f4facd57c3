-- 0182_expiration_follower.sql: whoever tells of late units does so outside of the transaction that read the log, and holds
-- its place by lease meanwhile. Locks expiration.follower for an instant.

alter table expiration.follower add leased_until timestamptz not null default '-infinity';
