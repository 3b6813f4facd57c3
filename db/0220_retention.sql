-- 0220_retention.sql: every kind of data that ages has a period (AUD-08): runs go on where they stopped, what is over can be
-- archived, and the role of the service may delete what a kind is declared for. The ledger, the log and the chain are not
-- among them. Locks coupons.bulk_plan and privacy.retention_run for an instant.

alter table privacy.retention
    add action text not null default 'delete' check (action in ('delete', 'archive'));

-- A run reads its table once, some blocks a transaction. What ran before this knows no blocks and is over.
alter table privacy.retention_run
    add action      text        not null default 'delete' check (action in ('delete', 'archive')),
    add archived    bigint      not null default 0,
    add next_block  bigint      not null default 0,
    add end_block   bigint      not null default 0,
    add finished_at timestamptz;
update privacy.retention_run set finished_at = at;
create index retention_run_of_kind on privacy.retention_run (data_kind, at desc);

-- What was archived when its period ended: the row, with what went with it.
create table privacy.archived (
    id          bigint      generated always as identity primary key,
    data_kind   text        not null,
    customer_id uuid,                                         -- an erasure deletes it
    content     jsonb       not null,
    at          timestamptz not null
);
create index archived_by_kind on privacy.archived (data_kind, at, id);
create index archived_by_customer on privacy.archived (customer_id) where customer_id is not null;

-- An operation that undid a change may be over before what it undid.
alter table coupons.bulk_plan
    drop constraint bulk_plan_undone_by_fkey,
    add constraint bulk_plan_undone_by_fkey foreign key (undone_by) references platform.operation on delete set null;

grant select, insert, delete on privacy.archived to tessera_app;
grant usage, select on all sequences in schema privacy to tessera_app;
grant update, delete on privacy.retention_run to tessera_app;
grant delete on
    access.security_alert,
    approvals.request, approvals.emergency,
    privacy.request, privacy.legal_hold,
    coupons.bulk_plan, coupons.bulk_part,
    promotions.receipt,
    redemptions.refusal, redemptions.reservation, redemptions.order_reservation, redemptions.promotion_hold,
    redemptions.arrival, redemptions.stand_in, redemptions.cut,
    expiration.alert, expiration.change
    to tessera_app;

-- Words that may name a person are emptied by an erasure (R-13); nothing else of these rows can be changed.
grant update (reason) on redemptions.rollback, redemptions.order_return to tessera_app;
grant update (text) on insights.marker to tessera_app;
grant update (note) on campaigns.cost to tessera_app;

-- The role may delete approvals and emergencies only long after they were decided, and of a reason only take the words out: not
-- what somebody asked for yesterday, and not what somebody else said.
create function approvals.keep_what_is_young() returns trigger language plpgsql as $$
declare
    decided constant timestamptz := case tg_table_name
        when 'request' then (to_jsonb(old) ->> 'decided_at')::timestamptz
        else (to_jsonb(old) ->> 'reviewed_at')::timestamptz end;
begin
    if decided is null or decided > platform.clock() - interval '90 days' then
        raise insufficient_privilege using message = 'This is kept for 90 days at least after it was decided.';
    end if;
    return old;
end $$;
create trigger keep_what_is_young before delete on approvals.request
    for each row execute function approvals.keep_what_is_young();
create trigger keep_what_is_young before delete on approvals.emergency
    for each row execute function approvals.keep_what_is_young();

create function redemptions.only_take_words_out() returns trigger language plpgsql as $$
begin
    if new.reason is distinct from '[erased]' then
        raise insufficient_privilege using message = 'Words can be taken out, not changed.';
    end if;
    return new;
end $$;
create trigger only_take_words_out before update on redemptions.rollback
    for each row execute function redemptions.only_take_words_out();
create trigger only_take_words_out before update on redemptions.order_return
    for each row execute function redemptions.only_take_words_out();
