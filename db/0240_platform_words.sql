-- 0240_platform_words.sql: words of people that events tell of lie beside the log, where an erasure reaches them (R-13), and what
-- an erasure takes out of documents is taken out of their strings alone. Locks nothing that is in use.

create table platform.event_word (
    mark     bytea   primary key check (length(mark) = 32),   -- SHA-256 of salt and words: all that the event holds
    salt     bytea   not null,
    words    text    not null,
    is_shown boolean not null                                 -- customers read them too: a surname in them is likely a word
);
grant select, insert, delete on platform.event_word to tessera_app;

-- A payload as readers of the log see it: with the words in place of their marks, or [erased].
create function platform.spoken(payload jsonb) returns text language plpgsql stable as $$
declare
    said text := payload::text;
    found text;
begin
    if strpos(said, '"words:') = 0 then
        return said;
    end if;
    for found in select distinct m[1] from regexp_matches(said, '"words:([0-9a-f]{64})"', 'g') m loop
        said := replace(said, '"words:' || found || '"', coalesce(
            (select to_jsonb(w.words)::text from platform.event_word w where w.mark = decode(found, 'hex')), '"[erased]"'));
    end loop;
    return said;
end $$;

-- A document without what a pattern finds in its strings and names; numbers and what else it says stay as they are.
create function platform.without(document jsonb, pattern text) returns jsonb language plpgsql immutable as $$
begin
    return case jsonb_typeof(document)
        when 'string' then to_jsonb(regexp_replace(document #>> '{}', pattern, '[erased]', 'gi'))
        when 'array' then (
            select coalesce(jsonb_agg(platform.without(value, pattern) order by place), '[]')
            from jsonb_array_elements(document) with ordinality as e (value, place))
        when 'object' then (
            select coalesce(jsonb_object_agg(regexp_replace(key, pattern, '[erased]', 'gi'), platform.without(value, pattern)), '{}')
            from jsonb_each(document) as e (key, value))
        else document end;
end $$;

-- Names in what was shown, asked for and undone are taken out; nothing else of these rows can be changed.
grant update (definition) on promotions.version to tessera_app;
grant update (name, rule) on promotions.segment_version to tessera_app;
grant update (content) on privacy.archived to tessera_app;
