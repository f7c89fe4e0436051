-- The value of one of the three marks of chunks. Internal.
create function baton_api.chunk_mark(p_sequence regclass) returns bigint
language sql volatile
as $$ select coalesce(pg_catalog.pg_sequence_last_value(p_sequence), 0) $$;
comment on function baton_api.chunk_mark is 'The value of a mark of chunks (internal).';
