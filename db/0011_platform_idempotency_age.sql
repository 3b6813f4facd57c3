-- 0011_platform_idempotency_age.sql: finds answers whose time is over without reading the others (convention 17), and the
-- newest customers without sorting all. The first locks writes for as long as it takes to read the table once; a block
-- range index is a few kilobytes and costs inserts nothing, because answers come in the order of time.
create index idempotency_by_age on platform.idempotency using brin (created_at);

create index customer_newest on access.customer (created_at desc, id desc);
