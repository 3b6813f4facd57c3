-- 0160_platform_refused_rows.sql: an import keeps the rows it refused as a file of their own (A.11).

alter table platform.operation_chunk drop constraint operation_chunk_kind_check,
    add constraint operation_chunk_kind_check check (kind in ('input', 'output', 'refused'));
