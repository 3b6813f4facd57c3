-- 0101_order_carts.sql: carts of orders are kept in the form of those of receipts.

update redemptions.placed_order set cart = jsonb_set(cart, '{lines}', (
    select jsonb_agg(case when l ? 'not_discountable' then (l - 'not_discountable') || '{"discountable": false}' else l end
        order by place)
    from jsonb_array_elements(cart -> 'lines') with ordinality as x (l, place)))
where cart::text like '%not_discountable%';

update redemptions.order_reservation set cart = jsonb_set(cart, '{lines}', (
    select jsonb_agg(case when l ? 'not_discountable' then (l - 'not_discountable') || '{"discountable": false}' else l end
        order by place)
    from jsonb_array_elements(cart -> 'lines') with ordinality as x (l, place)))
where cart::text like '%not_discountable%';
