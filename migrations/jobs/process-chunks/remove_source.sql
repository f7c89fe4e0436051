-- Removes a source with its credentials and the history of its syncs; what was synced stays. For operators.
-- Chunks under way settle into nothing. Raises WK002 when there is no such source.
-- Locks: attempts, groups, sync jobs, source, items, in the order of settlements.
create function baton_api.remove_source(p_name text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_sync_job_ids constant uuid[] := array(select j.id from baton.sync_jobs j where j.source = p_name);
begin
  perform from baton.attempts a where a.job = 'process-chunks' and a.finished_at is null and a.group_ids && v_sync_job_ids order by a.id for update;
  perform from baton.item_groups g where g.id = any (v_sync_job_ids) order by g.id for update;
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
