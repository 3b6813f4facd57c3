-- What staff page through newest first is read by an index however much of it there is; an order is found by its reference.
-- Builds indexes over redemptions, which blocks their changes meanwhile.
create index redemption_newest on redemptions.redemption (decided_at, id);
create index redemption_by_order on redemptions.redemption (order_reference);
create index operation_newest on platform.operation (created_at, id);
create index task_newest on connectors.task (created_at, id);
create index alert_newest on expiration.alert (raised_at, id);
create index batch_newest on expiration.batch (created_at, id);
