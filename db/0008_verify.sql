-- 0008_verify.sql: read-only views with which anyone can check the promises in plain SQL (convention 47).

create schema verify;

create view verify.redemptions as
    select id, instance_id, coupon_id, customer_id, decided_at, valid_from, valid_until, idempotency_key,
           order_reference as order_ref, rolled_back_at
    from redemptions.redemption;

-- Canonical JSON (RFC 8785) of the values that events hold: strings, integers, booleans, null, arrays, objects.
create function audit.canonical(value jsonb) returns text language sql immutable strict parallel safe as $$
    select case jsonb_typeof(value)
        when 'object' then '{' || coalesce((
            select string_agg(to_json(key)::text || ':' || audit.canonical(member), ',' order by key collate "C")
            from jsonb_each(value) as e (key, member)), '') || '}'
        when 'array' then '[' || coalesce((
            select string_agg(audit.canonical(element), ',' order by place)
            from jsonb_array_elements(value) with ordinality as e (element, place)), '') || ']'
        else value::text end
$$;

-- The document that is hashed: the whole event, keys in order, instants in microseconds.
create function audit.document(e platform.event) returns text language sql immutable strict parallel safe
    set timezone = 'UTC' as $$
    select audit.canonical(jsonb_build_object(
        'actor', e.actor,
        'aggregateid', e.aggregateid,
        'aggregatetype', e.aggregatetype,
        'correlation_id', e.correlation_id,
        'created_at', to_char(e.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'id', e.id,
        'payload', e.payload,
        'sequence', e.sequence,
        'type', e.type))
$$;

create view verify.audit as
    select a.seq, e.created_at as at, e.actor, e.type as action, e.aggregatetype || ':' || e.aggregateid as subject,
           audit.document(e) as document,
           lag(a.hash, 1, decode(repeat('00', 32), 'hex')) over (order by a.seq) as prev_hash, a.hash
    from audit.entry a
    join platform.event e on e.created_at = a.created_at and e.tx = a.tx and e.position = a.position;

-- Units are issued in runs of consecutive ids by one event; every other transition has an event of its own.
create view verify.transitions as
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
    where e.type = 'coupon.instances_issued';

-- Both sides of every leg. The other side is the source of the unit.
create view verify.ledger as
    select t.id::text || ':' || leg.place as entry_id, t.id::text as transaction_id,
           side.account_id, a.unit as currency, side.amount
    from balances.transfer t
    cross join lateral unnest(t.account_ids, t.amounts) with ordinality as leg (account_id, amount, place)
    join balances.account a on a.id = leg.account_id
    cross join lateral (values (leg.account_id::text, leg.amount), ('source:' || a.unit, -leg.amount)) as side (account_id, amount)
    where t.kind in ('post', 'reverse', 'open');

create view verify.balances as
    select id::text as account_id, unit as currency, posted as amount from balances.account;
