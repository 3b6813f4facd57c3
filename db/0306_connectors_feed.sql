-- 0306_connectors_feed.sql: webhooks begin where the log stands now. The reader began at its own first look, and what had
-- happened between a subscription and that look was told to nobody. Takes no locks that anybody waits for.

insert into connectors.feed (name, seq) select 'webhooks', seq from audit.seal on conflict do nothing;
