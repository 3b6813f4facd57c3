-- 0070_approvals.sql: requests that need a second person, and the mode that does without one for a while (OPS-03, OPS-04).

create schema approvals;

-- How much of a kind one person may do alone in 24 hours; a kind without a row keeps the limit it came with.
create table approvals.policy (
    kind           text    primary key,
    free_size      bigint  not null check (free_size >= 0),
    expires_after  interval not null check (expires_after > interval '0'),
    version        integer not null default 1
);

-- A time in which a named person's requests are carried out without approval, and are reviewed afterwards.
create table approvals.emergency (
    id          uuid        primary key,
    person      text        not null,
    actor       text        not null,
    reason      text        not null check (reason <> ''),
    started_at  timestamptz not null,
    ends_at     timestamptz not null check (ends_at > started_at),
    ended_at    timestamptz check (ended_at >= started_at),
    reviewer    text,
    reviewed_by text,
    reviewed_at timestamptz,
    finding     text        check (finding in ('justified', 'not_justified')),
    note        text,
    constraint reviewed_by_another_person check (reviewer <> person),
    constraint a_review_is_whole check ((reviewed_at is null) = (reviewer is null) and (reviewed_at is null) = (finding is null))
);
create index emergency_by_person on approvals.emergency (person, started_at desc);
create index emergency_newest on approvals.emergency (started_at desc, id desc);

-- What somebody wants done, what exactly would happen, and what became of it. Never deleted.
create table approvals.request (
    id           uuid        primary key,
    kind         text        not null,
    subject      text        not null,                        -- what it concerns: kind and id
    input        jsonb       not null,                        -- what was asked for
    effect       jsonb       not null,                        -- what was shown: before and after
    effect_hash  bytea       not null check (length(effect_hash) = 32),
    size         bigint      not null check (size >= 0),      -- for limits: amount, or number of things
    unit         text        not null,
    reason       text        not null check (reason <> ''),
    state        text        not null check (state in ('pending', 'executed', 'rejected', 'withdrawn', 'expired', 'void')),
    way          text        check (way in ('approved', 'below_limit', 'emergency')),
    merchant_id  uuid,
    requester    text        not null,                        -- the person; requested_by is the account or key
    requested_by text        not null,
    requested_at timestamptz not null,
    expires_at   timestamptz not null check (expires_at > requested_at),
    decider      text,
    decided_by   text,
    decided_at   timestamptz,
    note         text,
    emergency_id uuid        references approvals.emergency,
    result       jsonb,
    version      integer     not null default 1,
    constraint four_eyes check (way is distinct from 'approved' or decider <> requester),
    constraint what_is_done_has_its_way check ((state = 'executed') = (way is not null)),
    constraint what_is_decided_has_its_instant check ((state = 'pending') = (decided_at is null)),
    constraint approved_in_time check (way is distinct from 'approved' or decided_at < expires_at),
    constraint an_emergency_is_named check ((way is not distinct from 'emergency') = (emergency_id is not null))
);
create index request_newest on approvals.request (requested_at desc, id desc);
create index request_by_subject on approvals.request (subject, requested_at desc);
create index request_waiting on approvals.request (expires_at) where state = 'pending';
create index request_alone on approvals.request (requester, kind, decided_at) where way = 'below_limit';
create index request_of_emergency on approvals.request (emergency_id) where emergency_id is not null;

grant usage on schema approvals to tessera_app;
grant select, insert, update on approvals.policy, approvals.emergency, approvals.request to tessera_app;
