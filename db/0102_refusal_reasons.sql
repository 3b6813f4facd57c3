-- 0102_refusal_reasons.sql: a refusal keeps the version that decided it and what would make it pass, for its receipt (RUL-13).

alter table redemptions.refusal
    add column coupon_version bigint,
    add column change_kind    text,                           -- spend_more, spend_less, wait_until
    add column change_amount  bigint,
    add column change_at      timestamptz;
