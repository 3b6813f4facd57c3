-- 0241_connectors_webhook_sums.sql: sums of money leave the house only for webhooks that were set up by somebody who may see
-- them (ACC-03). Those from before are sent none until somebody who may says so. Locks connectors.webhook for an instant.

alter table connectors.webhook add column includes_sums boolean not null default false;
