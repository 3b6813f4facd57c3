-- Partners that are told later than agreed, or whose calls of the day are used up, are alerts too (CON-03).
alter table expiration.alert drop constraint alert_kind_check;
alter table expiration.alert add constraint alert_kind_check check (kind in
    ('clock_drift', 'still_usable', 'missed', 'behind', 'failing', 'unusual_volume', 'partner_late', 'quota_exhausted'));
