-- Removes a source with its credentials and the history of its syncs; what was synced stays. For operators.
-- Chunks under way settle into nothing. Raises WK002 when there is no such source.
-- Locks: chunks, sync jobs, source, in the order of settlements.
create function baton_api.remove_source(p_name text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
begin
  perform pg_catalog.set_config('baton.quiet', 'on', true);
  perform from baton.chunk_processing_queue q join baton.sync_jobs j on j.id = q.parent_sync_job_id where j.source = p_name order by q.id for update of q;
  perform from baton.sync_jobs j where j.source = p_name order by j.id for update;
  delete from baton.sources s where s.name = p_name;
  if not found then
    raise exception 'there is no source %', p_name using errcode = 'WK002';
  end if;
  insert into baton.events (noun, noun_id, to_state, who) values ('source', p_name, 'removed', p_who);
  return jsonb_build_object('source', p_name, 'removed', true);
end
$$;
comment on function baton_api.remove_source is 'Removes a source and the history of its syncs.';
