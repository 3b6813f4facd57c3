-- 0041_expiration_changes.sql: extension, forced expiry and cancellation (EXP-09, EXP-10), and what uploaded lists name.
-- Locks expiration.batch for as long as an index of a small table takes.

create index batch_by_end on expiration.batch (ends_until);

-- Why something was changed, by whom, and what came of it. The words of a reason are here and not in the log.
create table expiration.change (
    id            uuid        primary key,
    action        text        not null check (action in ('extend', 'expire', 'cancel')),
    valid_until   timestamptz,                                 -- the new end of an extension
    by_override   boolean     not null,
    reason        text        not null check (char_length(reason) between 3 and 500),
    selection     jsonb       not null,                        -- what was asked for: codes as a count, ids, a coupon, a campaign
    operation_id  uuid,                                        -- null: done in the request
    approval_id   uuid,
    actor         text        not null,
    merchant_id   uuid,                                        -- whose key asked; null: the house's
    done          bigint      not null default 0,
    refused       bigint      not null default 0,
    created_at    timestamptz not null default clock_timestamp(),
    constraint an_extension_has_an_end check ((action = 'extend') = (valid_until is not null))
);
create index change_newest on expiration.change (created_at desc, id desc);

-- Lines of an uploaded list until the operation is over. Resolved in one pass over the instances, whatever their number.
create table expiration.upload_line (
    operation_id uuid        not null,
    line         bigint      not null,
    code         text        collate "C",
    unit_id      bigint,
    valid_until  timestamptz,                                  -- null: there is no such unit
    primary key (operation_id, line)
);

grant select, insert, update on expiration.change to tessera_app;
grant select, insert, update, delete on expiration.upload_line to tessera_app;

-- Changes of many units have one event a coupon and batch, like what expires by the clock.
create or replace view verify.transitions as
    select (e.aggregateid)::bigint as instance_id, e.sequence, e.payload ->> 'from' as from_state,
           e.payload ->> 'to' as to_state, e.created_at as at, e.payload ->> 'cause' as cause
    from platform.event e
    where e.aggregatetype = 'instance'
    union all
    -- The first use of a shared code makes its unit and uses it in one event.
    select (e.aggregateid)::bigint, e.sequence - 1, null, e.payload ->> 'from', e.created_at, 'shared_code'
    from platform.event e
    where e.aggregatetype = 'instance' and e.payload ? 'new'
    union all
    select unit, 1, null, 'issued', e.created_at, 'generated'
    from platform.event e
    cross join lateral generate_series((e.payload ->> 'first_id')::bigint, (e.payload ->> 'last_id')::bigint) unit
    where e.type = 'coupon.instances_issued'
    union all
    select unit, (e.payload ->> 'version')::bigint + 1, e.payload ->> 'from', e.payload ->> 'to', e.created_at,
           e.payload ->> 'cause'
    from platform.event e
    cross join lateral jsonb_array_elements(e.payload -> 'runs') run
    cross join lateral generate_series((run ->> 0)::bigint, (run ->> 1)::bigint) unit
    where e.aggregatetype = 'coupon' and e.payload ? 'runs';

-- Where the near-time path has read to in the sealed log. One row; its lock makes one follower.
create table expiration.follower (
    one   boolean primary key default true check (one),
    place bigint  not null default 0
);
insert into expiration.follower default values;
alter table expiration.control drop column checked_to;
grant select, update on expiration.follower to tessera_app;

-- Hours that the log has named, until they come within the look-ahead: the near-time path needs no schedule.
create table expiration.expected_hour (
    starts_at timestamptz primary key
);
grant select, insert, delete on expiration.expected_hour to tessera_app;
