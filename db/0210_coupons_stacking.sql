-- 0210_coupons_stacking.sql: a coupon without a promotion of its own says beside which others it may be used (RUL-05).

alter table coupons.coupon
    add column stacking        text not null default 'stackable' check (stacking in ('stackable', 'exclusive')),
    add column stacking_groups text[],                        -- null: combines with any
    add column apply_order     integer check (apply_order > 0); -- null: after all that has a place, in the order typed
