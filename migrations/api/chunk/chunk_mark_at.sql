-- The moment that one of the marks of chunks stands for. Internal.
create function baton_api.chunk_mark_at(p_sequence regclass) returns timestamptz
language sql volatile
as $$ select 'epoch'::timestamptz + coalesce(pg_catalog.pg_sequence_last_value(p_sequence), 0) * interval '1 microsecond' $$;
comment on function baton_api.chunk_mark_at is 'The moment that a mark of chunks stands for (internal).';
