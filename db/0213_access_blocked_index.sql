-- 0213_access_blocked_index.sql: the few who are blocked are found among all customers.

create index customer_blocked on access.customer (blocked_at) where blocked_at is not null;
