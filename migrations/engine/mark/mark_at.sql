-- The moment that a mark of a job stands for. Internal.
create function baton_api.mark_at(p_name text, p_lock_id bigint) returns timestamptz
language sql volatile
as $$ select 'epoch'::timestamptz + baton_api.mark(p_name, p_lock_id) * interval '1 microsecond' $$;
comment on function baton_api.mark_at is 'The moment that a mark of a job stands for (internal).';
