-- Lets the failed chunks of a source's latest sync job try again from their first attempt: at most 10,000. For operators.
-- Answers {"sync_job_id", "chunks", "more"}. Raises WK002 when there is no sync job. Locks: group, sync job, the shared lock of the marks, items.
create function baton_api.retry_sync(p_source text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_sync_job baton.sync_jobs := baton_api.latest_sync_job(p_source);
  v_job baton.jobs;
  v_chunks int;
begin
  v_job := baton_api.job_of('process-chunks');
  v_chunks := baton_api.retry_group(v_job, v_sync_job.id, v_now);
  if v_chunks > 0 then
    update baton.sync_jobs j set status = 'processing', completed_at = null, error_message = null where j.id = v_sync_job.id;
    insert into baton.events (noun, noun_id, from_state, to_state, who)
    values ('sync_job', v_sync_job.id::text, v_sync_job.status, 'processing', p_who);
    perform baton_api.trigger_next_chunk_processing();
  end if;
  return jsonb_build_object('sync_job_id', v_sync_job.id, 'chunks', v_chunks, 'more', exists (
    select from baton.items i where i.group_id = v_sync_job.id and i.status in ('failed', 'cancelled')));
end
$$;
comment on function baton_api.retry_sync is 'Lets the failed chunks of a source''s latest sync job try again.';
