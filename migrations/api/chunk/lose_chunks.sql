-- Gives back the chunks of a dead attempt: due again at once, or failed after max_attempts. Internal.
-- Locks: chunks, sync job.
create function baton_api.lose_chunks(p_attempt baton.attempts, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_sync_job_id uuid;
begin
  with lost as (
    update baton.chunk_processing_queue q
    set status = case when q.attempts >= q.max_attempts then 'failed' else 'pending' end,
        retry_at = case when q.attempts < q.max_attempts then p_now end,
        completed_at = case when q.attempts >= q.max_attempts then p_now end,
        error_message = 'the worker died or fell silent'
    where q.id = any (p_attempt.item_ids::uuid[]) and q.attempt_id = p_attempt.id and q.status = 'processing'
    returning q.id, q.attempts, q.started_at, q.error_message
  )
  insert into baton.chunk_attempts (queue_id, attempt_id, number, worker_id, started_at, ended_at, outcome, error)
  select l.id, p_attempt.id, l.attempts, p_attempt.worker, l.started_at, p_now, 'lost', l.error_message from lost l;
  for v_sync_job_id in select u from unnest(p_attempt.sync_job_ids) as u order by u loop
    perform baton_api.finish_sync_job(v_sync_job_id, p_now);
  end loop;
end
$$;
comment on function baton_api.lose_chunks is 'Gives back the chunks of a dead attempt (internal).';
