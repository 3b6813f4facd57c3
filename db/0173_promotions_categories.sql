-- 0173_promotions_categories.sql: what lies above each category of a shop, so that a rule means those below it too (RUL-03).

create table promotions.category_tree (
    owner_id    uuid        primary key,                      -- the merchant; all zeros: the deployment
    merchant_id uuid        references access.merchant,       -- null: the deployment's
    parents     jsonb       not null,                         -- the parent of each category that has one, by name
    version     integer     not null,
    updated_by  text        not null,
    updated_at  timestamptz not null
);

-- A price with another tree is another price: books are compiled anew, as after a change of a promotion.
create trigger category_tree_changed after insert or update on promotions.category_tree
    for each row execute function promotions.tell();

grant select, insert, update on promotions.category_tree to tessera_app;
