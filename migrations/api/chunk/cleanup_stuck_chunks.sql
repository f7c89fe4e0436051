-- The backstop behind leases: chunks under way for more than 10 minutes that no live attempt has are due again, or failed
-- after max_attempts. One that still beats is left alone, however long it takes. At most 1,000; answers how many.
create function baton_api.cleanup_stuck_chunks() returns int
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_sync_job_ids uuid[];
  v_sync_job_id uuid;
  v_reset int;
begin
  perform baton_api.sweep_attempts('process-chunks', 1000);
  with stuck as (
    select q.id from baton.sync_jobs j
    join baton.chunk_processing_queue q on q.parent_sync_job_id = j.id and q.status = 'processing'
    where (j.completed_at is null or j.draining) and q.started_at < v_now - interval '10 minutes' and not exists (
      select from baton.attempts a where a.id = q.attempt_id and a.finished_at is null)
    limit 1000
    for update of q skip locked
  ), reset as (
    update baton.chunk_processing_queue q
    set status = case when q.attempts >= q.max_attempts then 'failed' else 'pending' end,
        retry_at = case when q.attempts < q.max_attempts then v_now end,
        completed_at = case when q.attempts >= q.max_attempts then v_now end,
        error_message = 'stuck for more than 10 minutes'
    from stuck s
    where q.id = s.id
    returning q.parent_sync_job_id
  )
  select count(*), array_agg(distinct r.parent_sync_job_id) into v_reset, v_sync_job_ids from reset r;
  for v_sync_job_id in select u from unnest(v_sync_job_ids) as u order by u loop
    perform baton_api.finish_sync_job(v_sync_job_id, v_now);
  end loop;
  return v_reset;
end
$$;
comment on function baton_api.cleanup_stuck_chunks is 'Makes chunks due again that were under way for more than 10 minutes and that nobody holds.';
