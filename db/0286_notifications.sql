-- 0286_notifications.sql: messages to customers, each once, and what became of them (AUD-05, NTF-02, NTF-07). Replaces the check
-- of the kinds of expiration.alert.

create schema notifications;

-- How far the reader of the log has come, and within an event that concerns more customers than one step takes. What was due
-- before there was a sender is not made up for: whoever followed the log has sent it.
create table notifications.feed (
    one           boolean     primary key default true check (one),
    seq           bigint      not null,
    last_customer uuid,
    updated_at    timestamptz not null default clock_timestamp()
);
insert into notifications.feed (seq) select seq from audit.seal;

-- No address and no name: these are read when a message is sent, and kept nowhere else.
create table notifications.message (
    id              uuid        primary key,                 -- its Message-ID too: the same however often it is sent
    kind            text        not null check (kind in ('coupon_expiry')),
    customer_id     uuid        not null,
    coupon_id       bigint      not null references coupons.coupon,
    units           bigint[]    not null,                    -- of the coupon, with a holder; empty for a shared code
    ends            timestamptz[] not null,                  -- of these, the other half of their key
    ends_at         timestamptz not null,                    -- the first of what it tells of
    due_at          timestamptz not null check (due_at <= ends_at), -- by when the customer has to be told
    region          text        not null,                    -- whose rule asks for it
    event_seq       bigint      not null,                    -- what caused it
    state           text        not null default 'queued' check (state in ('queued', 'sent', 'bounced', 'failed', 'suppressed')),
    cause           text,                                    -- a closed word: why not, or why not yet
    smtp_status     text        check (smtp_status ~ '^[2-5]\d\d( [245]\.\d{1,3}\.\d{1,3})?$'), -- never the words of the server
    attempts        integer     not null default 0,
    tries           integer     not null default 0,          -- of the present series; a replay begins a new one
    next_attempt_at timestamptz not null,
    leased_until    timestamptz not null default '-infinity',
    fence           bigint      not null default 0,
    sent_at         timestamptz,
    settled_at      timestamptz,
    version         integer     not null default 1,
    created_at      timestamptz not null,
    constraint units_have_ends check (cardinality(units) = cardinality(ends)),
    constraint what_is_not_queued_is_settled check ((state = 'queued') = (settled_at is null)),
    constraint what_is_sent_has_an_instant check ((state = 'sent') = (sent_at is not null)),
    -- NTF-02: one event yields at most one message per recipient and purpose; an event tells of an end once.
    constraint one_message_per_recipient_and_purpose unique (event_seq, customer_id, kind)
) with (fillfactor = 80);
create index message_due on notifications.message (next_attempt_at, id) where state = 'queued';
create index message_untold on notifications.message (due_at) where state in ('queued', 'failed', 'bounced');
create index message_newest on notifications.message (created_at desc, id desc);
create index message_of_customer on notifications.message (customer_id, created_at desc);
create index message_of_coupon on notifications.message (coupon_id, created_at desc);

grant usage on schema notifications to tessera_app;
grant select, update on notifications.feed to tessera_app;
grant select, insert, update, delete on notifications.message to tessera_app;

alter table expiration.alert drop constraint alert_kind_check;
alter table expiration.alert add constraint alert_kind_check check (kind in ('clock_drift', 'still_usable', 'missed', 'behind',
    'failing', 'unusual_volume', 'partner_late', 'quota_exhausted', 'notice_late', 'mail_missing'));
