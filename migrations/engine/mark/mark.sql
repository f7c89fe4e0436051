-- The value of a mark of a job; 0 where it has none. Internal.
create function baton_api.mark(p_name text, p_lock_id bigint) returns bigint
language sql volatile
as $$ select coalesce(pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('baton.' || p_name || '_' || p_lock_id)), 0) $$;
comment on function baton_api.mark is 'The value of a mark of a job (internal).';
