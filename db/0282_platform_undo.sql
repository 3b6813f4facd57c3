-- 0282_platform_undo.sql: for how long a change of many can be undone is the deployment's to say (BLK-07). Nodes say it on their
-- connections.

create function platform.undo_until() returns timestamptz language sql volatile parallel unsafe
    return platform.clock() + make_interval(days => coalesce(nullif(current_setting('tessera.undo_days', true), '')::integer, 30));
