-- Sets a mark of a job. Internal; who raises one holds the lock (lock_id, 0).
create function baton_api.set_mark(p_name text, p_lock_id bigint, p_value bigint) returns void
language sql volatile
as $$ select pg_catalog.setval(pg_catalog.to_regclass('baton.' || p_name || '_' || p_lock_id), greatest(p_value, 0)) $$;
comment on function baton_api.set_mark is 'Sets a mark of a job (internal).';
