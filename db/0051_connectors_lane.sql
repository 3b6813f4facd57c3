-- 0051_connectors_lane.sql: what a lane remembers of its last rounds, of the message it is sending, and of its alerts.
-- Locks connectors.lane for an instant.

alter table connectors.lane
    add recent           integer     not null default 0,     -- the last rounds, a bit each
    add recent_count     integer     not null default 0,
    add attempted_to     bigint,                             -- the low-water mark being sent: the same until it arrives
    add attempted_mark   timestamptz,
    add sla_breached_at  timestamptz,
    add quota_told_on    date;

alter table connectors.lane add told bigint not null default 0;  -- counts the events of the lane

-- A callback that did not come: the command is sent again under the same key, and what comes too late is refused.
alter table connectors.awaited add lapsed_at timestamptz;
drop index connectors.awaited_open;
create index awaited_open on connectors.awaited (connector_id, expires_at) where acknowledged_at is null and lapsed_at is null;

-- What became of each delivery, for anyone who checks (convention 47).
create view verify.deliveries as
    select b.id as event_id, c.connector_id as endpoint_id, c.state, c.attempts, c.acknowledged_at
    from connectors.command c join connectors.batch b on b.id = c.batch_id;
grant select on verify.deliveries to tessera_app;
