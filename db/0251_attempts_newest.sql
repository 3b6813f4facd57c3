-- 0251_attempts_newest.sql: what was held or refused is read newest first by an index, as what was redeemed is (MET-24). Builds
-- indexes, which blocks changes of these tables meanwhile.
create index reservation_newest on redemptions.reservation (decided_at, id);
create index refusal_newest on redemptions.refusal (decided_at, id);
