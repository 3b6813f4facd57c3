-- 0250_alert_notes.sql: who took note of an alert, when, and what they said, for all kinds of alerts (OPS-01). Adds columns
-- without a default: locks are short.

alter table expiration.alert
    add column acknowledged_at timestamptz,
    add column acknowledged_by text,
    add column acknowledged_note text check (acknowledged_note <> ''),
    add constraint somebody_acknowledged check ((acknowledged_at is null) = (acknowledged_by is null));

alter table access.security_alert
    add column acknowledged_at timestamptz,
    add column acknowledged_by text,
    add column acknowledged_note text check (acknowledged_note <> ''),
    add constraint somebody_acknowledged check ((acknowledged_at is null) = (acknowledged_by is null));

alter table insights.alert add column acknowledged_note text check (acknowledged_note <> '');
