-- Gives back chunks under way that nobody will settle: due again at once, or failed after max_attempts, with p_error as the
-- reason, and each on record as a lost attempt. Ends sync jobs that end by it. Answers how many. Internal.
-- Locks: chunks, sync job.
create function baton_api.give_back_chunks(p_ids uuid[], p_error text, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_sync_job_ids uuid[];
  v_sync_job_id uuid;
  v_chunks int;
begin
  with given_back as (
    update baton.chunk_processing_queue q
    set status = case when q.attempts >= q.max_attempts then 'failed' else 'pending' end,
        retry_at = case when q.attempts < q.max_attempts then p_now end,
        completed_at = case when q.attempts >= q.max_attempts then p_now end,
        error_message = p_error
    where q.id = any (p_ids) and q.status = 'processing'
    returning q.id, q.parent_sync_job_id, q.attempt_id, q.attempts, q.worker_id, q.started_at
  ), audited as (
    -- One that was put under way by hand belongs to no attempt.
    insert into baton.chunk_attempts (queue_id, attempt_id, number, worker_id, started_at, ended_at, outcome, error)
    select g.id, g.attempt_id, g.attempts, g.worker_id, g.started_at, p_now, 'lost', p_error
    from given_back g where g.attempt_id is not null and g.worker_id is not null
  )
  select count(*), array_agg(distinct g.parent_sync_job_id) into v_chunks, v_sync_job_ids from given_back g;
  for v_sync_job_id in select u from unnest(v_sync_job_ids) as u order by u loop
    perform baton_api.finish_sync_job(v_sync_job_id, p_now);
  end loop;
  return v_chunks;
end
$$;
comment on function baton_api.give_back_chunks is 'Gives back chunks under way that nobody will settle (internal).';
