-- 0071_balances_adjust.sql: adjustments that two people agreed on move accounts too (ACC-07). The check is replaced without
-- reading the table: it only becomes wider.

alter table balances.transfer drop constraint transfer_kind_check;
alter table balances.transfer add constraint transfer_kind_check
    check (kind in ('post', 'hold', 'void', 'reverse', 'open', 'adjust')) not valid;

create index transfer_adjustment on balances.transfer using gin (account_ids) where kind = 'adjust';

create or replace view verify.ledger as
    select t.id::text || ':' || leg.place as entry_id, t.id::text as transaction_id,
           side.account_id, a.unit as currency, side.amount
    from balances.transfer t
    cross join lateral unnest(t.account_ids, t.amounts) with ordinality as leg (account_id, amount, place)
    join balances.account a on a.id = leg.account_id
    cross join lateral (values (leg.account_id::text, leg.amount), ('source:' || a.unit, -leg.amount)) as side (account_id, amount)
    where t.kind in ('post', 'reverse', 'open', 'adjust');
