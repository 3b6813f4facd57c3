-- 0171_redemptions_arrival.sql: what brought a customer, as the shop says it with an attempt (CMP-02).

create table redemptions.arrival (
    attempt_id      uuid primary key,                         -- redemption, reservation, refusal, order or its reservation
    campaign_source text,
    utm_source      text,
    utm_medium      text,
    utm_campaign    text
);

grant select, insert on redemptions.arrival to tessera_app;
