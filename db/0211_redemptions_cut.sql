-- 0211_redemptions_cut.sql: single codes whose discount was cut to what was left of their campaign's budget (CMP-09).

-- Few are: a row of its own costs the others nothing. With it the receipt says so, and is computed again exactly.
create table redemptions.cut (
    attempt_id uuid   primary key,                            -- redemption or reservation
    left_minor bigint not null check (left_minor > 0)
);

grant select, insert on redemptions.cut to tessera_app;
