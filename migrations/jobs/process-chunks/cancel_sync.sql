-- Cancels the sync job of a source that is under way. Chunks under way settle, none follows; what still waits is closed
-- by the ticks. For operators. Raises WK002 when there is no sync job, WK003 when it has ended. Locks: group, sync job, ready items, items.
create function baton_api.cancel_sync(p_source text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_sync_job baton.sync_jobs := baton_api.latest_sync_job(p_source);
begin
  if v_sync_job.status not in ('pending', 'processing') then
    raise exception 'the latest sync of % is %', p_source, v_sync_job.status using errcode = 'WK003';
  end if;
  update baton.sync_jobs j set status = 'cancelled', completed_at = v_now, error_message = 'cancelled by ' || p_who
  where j.id = v_sync_job.id;
  update baton.item_groups g set state = 'draining' where g.id = v_sync_job.id and g.state = 'open';
  insert into baton.events (noun, noun_id, from_state, to_state, who)
  values ('sync_job', v_sync_job.id::text, v_sync_job.status, 'cancelled', p_who);
  perform baton_api.drain_sync_jobs(1000);
  return jsonb_build_object('sync_job_id', v_sync_job.id, 'status', 'cancelled');
end
$$;
comment on function baton_api.cancel_sync is 'Cancels the sync of a source that is under way.';
