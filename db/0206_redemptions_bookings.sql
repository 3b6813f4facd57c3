-- 0206_redemptions_bookings.sql: what the booking system says became of the booking behind a redemption (RED-15). Locks
-- nothing that exists.

create table redemptions.booking (
    redemption_id uuid        primary key references redemptions.redemption,
    began_as      text        check (began_as in ('pending')), -- booking_status of the redemption before the first word
    status        text        not null check (status in ('pending', 'completed', 'cancelled')),
    attended      boolean,                                    -- null: not known
    occurred_at   timestamptz not null,                       -- as the booking system says; an older word changes nothing
    version       integer     not null default 1
);

grant select, insert, update on redemptions.booking to tessera_app;
