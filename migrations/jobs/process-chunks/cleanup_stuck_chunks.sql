-- The backstop behind leases: chunks under way for more than 10 minutes that no live attempt has are due again, or failed
-- after max_attempts. One that still beats is left alone, however long it takes. At most 1,000; answers how many.
create function baton_api.cleanup_stuck_chunks() returns int
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
begin
  perform baton_api.sweep_attempts('process-chunks', 1000);
  return baton_api.give_back_chunks(array(
    select q.id from baton.sync_jobs j
    join baton.chunk_processing_queue q on q.parent_sync_job_id = j.id and q.status = 'processing'
    where (j.completed_at is null or j.draining) and q.started_at < v_now - interval '10 minutes' and not exists (
      select from baton.attempts a where a.id = q.attempt_id and a.finished_at is null)
    limit 1000
    for update of q skip locked), 'stuck for more than 10 minutes', v_now);
end
$$;
comment on function baton_api.cleanup_stuck_chunks is 'Makes chunks due again that were under way for more than 10 minutes and that nobody holds.';
