-- 0091_privacy_receipts.sql: an erasure takes the customer out of what receipts were computed from (R-13).

grant update (input) on promotions.receipt to tessera_app;
