-- 0295_verify_notices.sql: what tells of units and moves none of them (coupon.expiry_notice_due) is no transition. Locks nothing.

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
    select unit, e.sequence, e.from_state, e.to_state, e.created_at, e.cause
    from (
        select (payload ->> 'version')::bigint + 1 as sequence, payload ->> 'from' as from_state, payload ->> 'to' as to_state,
               payload ->> 'cause' as cause, created_at, payload -> 'runs' as runs
        from platform.event
        where aggregatetype = 'coupon' and payload ?& array['runs', 'to']
        offset 0                                              -- kept apart by the planner: this is the point
    ) e
    cross join lateral jsonb_array_elements(e.runs) run
    cross join lateral generate_series((run ->> 0)::bigint, (run ->> 1)::bigint) unit;
