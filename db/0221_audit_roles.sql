-- 0221_audit_roles.sql: with which roles somebody made a change (AUD-01). Kept with the address, by request. Locks
-- audit.request_origin for an instant.

alter table audit.request_origin
    add column roles text[] not null default '{}';            -- of the person; a key has permissions and no role
