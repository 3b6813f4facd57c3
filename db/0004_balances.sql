-- 0004_balances.sql: the one primitive behind limits, budgets, stock and balances: account, transfer, hold.

create schema balances;

-- One bounded quantity. The id is derived from what it counts (Core: AccountKey), so no look-up finds it.
create table balances.account (
    id          uuid    primary key,
    kind        text    not null,                            -- coupon_uses, coupon_customer_uses, campaign_budget, …
    owner_id    text    not null,                            -- the coupon or campaign
    subject     text,                                        -- the customer, channel or period
    unit        text    not null,                            -- 'use' or an ISO 4217 currency
    bound       bigint  check (bound > 0),                   -- null: unlimited
    posted      bigint  not null default 0,
    pending     bigint  not null default 0,
    constraint never_below_zero check (posted >= 0 and pending >= 0),
    constraint never_beyond_the_bound check (bound is null or posted + pending <= bound)
) with (fillfactor = 80);

-- Every movement, whole: a use posts, a hold is pending until it is voided (released, lapsed or posted), a rollback
-- reverses what was posted, an opening says what was used before a limit was set.
-- The other side of each leg is the unit's source account, so a transfer sums to zero by construction (view
-- verify.ledger shows both sides). Append-only.
create table balances.transfer (
    id          uuid        primary key,                     -- of the redemption, reservation or rollback, where it makes it
    kind        text        not null check (kind in ('post', 'hold', 'void', 'reverse', 'open')),
    reference   uuid        not null,                        -- the redemption or reservation it belongs to
    account_ids uuid[]      not null,
    amounts     bigint[]    not null,                        -- change of posted (post, reverse, open) or pending (hold, void)
    at          timestamptz not null,
    check (cardinality(account_ids) = cardinality(amounts))
);

-- Holds that still stand. A row is removed exactly once, by the settling, the release or the lapse.
create table balances.hold (
    account_id  uuid        not null,
    transfer_id uuid        not null,
    amount      bigint      not null check (amount > 0),
    expires_at  timestamptz not null,
    primary key (account_id, transfer_id)
);
create index hold_by_transfer on balances.hold (transfer_id);
create index hold_by_end on balances.hold (expires_at);
