-- 0172_campaigns_clip.sql: a campaign refuses a discount that its budget does not hold, or cuts it to what is left (CMP-09).

alter table campaigns.campaign
    add column budget_on_overflow text not null default 'reject' check (budget_on_overflow in ('reject', 'clip'));
