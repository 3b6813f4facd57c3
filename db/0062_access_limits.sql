-- 0062_access_limits.sql: what callers have used of their rate limits, for all nodes together (convention 20), and the
-- rotation of API keys (ACC-05).

-- Unlogged: after a crash a minute's counts are gone, and nothing else.
create unlogged table access.rate (
    key      bytea  not null,                                -- hash of policy and caller; no address is kept
    window_number bigint not null,                           -- minutes since 1970
    used     bigint not null,
    primary key (key, window_number)
);

alter table access.api_key
    add column requests_per_minute integer check (requests_per_minute > 0),   -- null: the deployment's limit
    add column replaces uuid references access.api_key;

grant select, insert, update, delete on access.rate to tessera_app;
