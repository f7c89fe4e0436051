-- Lets the failed chunks of a source's latest sync job try again from their first attempt: at most 10,000. For operators.
-- Answers {"sync_job_id", "chunks", "more"}. Raises WK002 when there is no sync job. Locks: sync job, chunks.
create function baton_api.retry_sync(p_source text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_sync_job baton.sync_jobs := baton_api.latest_sync_job(p_source);
  v_chunks int;
begin
  update baton.chunk_processing_queue q
  set status = 'pending', attempts = 0, retry_at = v_now, completed_at = null
  where q.id in (
    select o.id from baton.chunk_processing_queue o
    where o.parent_sync_job_id = v_sync_job.id and o.status = 'failed' order by o.rank limit 10000 for update);
  get diagnostics v_chunks = row_count;
  if v_chunks > 0 then
    update baton.sync_jobs j set status = 'processing', completed_at = null, draining = false, error_message = null where j.id = v_sync_job.id;
    insert into baton.events (noun, noun_id, from_state, to_state, who)
    values ('sync_job', v_sync_job.id::text, v_sync_job.status, 'processing', p_who);
  end if;
  return jsonb_build_object('sync_job_id', v_sync_job.id, 'chunks', v_chunks, 'more', exists (
    select from baton.chunk_processing_queue q where q.parent_sync_job_id = v_sync_job.id and q.status = 'failed'));
end
$$;
comment on function baton_api.retry_sync is 'Lets the failed chunks of a source''s latest sync job try again.';
