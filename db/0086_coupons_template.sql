-- 0086_coupons_template.sql: sets of field values for new coupons (BLK-04).

create table coupons.template (
    id         uuid        primary key,
    name       text        not null unique check (char_length(name) between 1 and 100),
    fields     jsonb       not null,                          -- members of a coupon as it is written (A.4)
    valid_days integer     check (valid_days between 1 and 3650),
    version    integer     not null default 1,
    created_at timestamptz not null default clock_timestamp()
);

grant select, insert, update, delete on coupons.template to tessera_app;
