-- 0260_balances_deposits.sql: money that customers have here, and its way back to them (BAL-02, BAL-07, BAL-10). The accounts
-- are those of 0004: a deposit is posted on one, and a withdrawal that waits for its approval is held on it. Locks
-- balances.account and balances.transfer for a moment: the checks become wider or bind a kind that has no row yet, so neither
-- table is read, but for the index, which is over the few movements by hand.

alter table balances.account add constraint a_deposit_covers_what_is_held
    check (kind <> 'customer_deposit' or pending <= posted) not valid;
create index deposit_by_customer on balances.account (owner_id) where kind = 'customer_deposit';

-- restore: a withdrawal that could not be paid out is back on the account it came from.
alter table balances.transfer drop constraint transfer_kind_check;
alter table balances.transfer add constraint transfer_kind_check
    check (kind in ('post', 'hold', 'void', 'reverse', 'open', 'adjust', 'deposit', 'withdraw', 'restore')) not valid;

-- What was moved by hand moves one account. Newest first for a page, counted for the next number.
drop index balances.transfer_adjustment;
create index transfer_by_hand on balances.transfer ((account_ids[1]), at, id)
    where kind in ('adjust', 'deposit', 'withdraw', 'restore');

-- A customer's money on its way out. The row is never deleted: it is the proof of what was paid to whom.
create table balances.withdrawal (
    id               uuid        primary key,                -- of the request for approval, and of the transfer
    account_id       uuid        not null references balances.account,
    customer_id      uuid        not null references access.customer,
    amount_minor     bigint      not null check (amount_minor > 0),
    currency         text        not null check (currency ~ '^[A-Z]{3}$'),
    destination      text        not null check (destination <> ''),   -- as the payment system names it; never a card number
    state            text        not null check (state in
                         ('requested', 'approved', 'paid', 'failed', 'rejected', 'cancelled', 'expired', 'void')),
    asked_at         timestamptz not null,
    changed_at       timestamptz not null check (changed_at >= asked_at),
    payout_reference text        check (payout_reference <> ''),
    version          integer     not null default 1,
    constraint what_is_paid_has_a_reference check ((state = 'paid') = (payout_reference is not null))
);
create index withdrawal_newest on balances.withdrawal (asked_at desc, id desc);
create index withdrawal_by_customer on balances.withdrawal (customer_id, asked_at desc, id desc);

create or replace view verify.ledger as
    select t.id::text || ':' || leg.place as entry_id, t.id::text as transaction_id,
           side.account_id, a.unit as currency, side.amount
    from balances.transfer t
    cross join lateral unnest(t.account_ids, t.amounts) with ordinality as leg (account_id, amount, place)
    join balances.account a on a.id = leg.account_id
    cross join lateral (values (leg.account_id::text, leg.amount), ('source:' || a.unit, -leg.amount)) as side (account_id, amount)
    where t.kind in ('post', 'reverse', 'open', 'adjust', 'deposit', 'withdraw', 'restore');

grant select, insert, update on balances.withdrawal to tessera_app;
