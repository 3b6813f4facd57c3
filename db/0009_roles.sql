-- 0009_roles.sql: the role the service works as. It cannot change or remove what was written to the ledger, the log
-- and the chain (convention 45); the migrating role can, which is why the service never runs as it.

do $$
begin
    create role tessera_app nologin;
exception when duplicate_object or unique_violation then
    null;                                                     -- another database of this server has made it
end $$;

do $$
begin
    execute format('grant tessera_app to %I', current_user);
end $$;

grant usage on schema migrations, platform, access, audit, balances, campaigns, coupons, redemptions, verify to tessera_app;

grant select, insert, update, delete on
    platform.secret, platform.idempotency, platform.operation, platform.operation_error, platform.operation_chunk,
    access.merchant, access.customer, access.channel, access.api_key,
    balances.hold,
    campaigns.campaign, campaigns.audience,
    coupons.service, coupons.consultant, coupons.code
    to tessera_app;
grant select, insert, update on
    balances.account, coupons.coupon, coupons.usage, coupons.instance, audit.seal,
    redemptions.reservation, redemptions.redemption
    to tessera_app;
grant select, insert on
    platform.event, audit.entry, balances.transfer, redemptions.rollback, redemptions.refusal
    to tessera_app;
grant select, insert, delete on redemptions.origin to tessera_app;
grant usage, select on all sequences in schema platform, coupons to tessera_app;
grant select on coupons.usage_total to tessera_app;
grant select on all tables in schema verify to tessera_app;
grant select on migrations.applied to tessera_app;
