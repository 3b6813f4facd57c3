-- 0010_coupons_consultant_version.sql: consultants count their changes, for entity tags. Locks a small table.

alter table coupons.consultant add column version integer not null default 1;
