-- 0180_connectors_deferral.sql: who may wait under pressure, and who does (EXP-12). Locks connectors.connector and
-- connectors.lane for an instant: constants are defaults, so no row is rewritten.

alter table connectors.connector add is_critical boolean not null default true;  -- told first; the others may wait

alter table connectors.lane
    add deferred_at timestamptz,                             -- waits since then, because critical partners go first
    add resumed_at  timestamptz not null default '-infinity';
