-- Gives back the items of an attempt that died: ready again at once, or failed after max_attempts. One that was in two dead attempts,
-- or has one try left, is taken alone from now on. Internal. Locks: items.
create function baton_api.lose_items(p_job baton.jobs, p_attempt baton.attempts, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_since constant timestamptz := coalesce(p_attempt.turn_at, p_attempt.claimed_at);
  v_error constant text := 'the worker died or fell silent';
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(p_job.lock_id::int, 0);
  with given_back as materialized (
    select i.id, i.priority, i.group_id, i.attempts + 1 as attempts, i.losses + 1 as losses, i.attempts + 1 >= p_job.max_attempts as failed
    from unnest(p_attempt.item_ids) as m(id) join baton.items i on i.id = m.id::uuid
  ), stored as (
    update baton.items i
    set status = case when g.failed then 'failed' else 'waiting' end, attempts = g.attempts, losses = g.losses, error = v_error,
        started_at = v_since, ended_at = case when g.failed then p_now end, worker = p_attempt.worker, attempt_id = p_attempt.id
    from given_back g where i.id = g.id
    returning i.key, g.failed
  ), freed as (
    delete from baton.item_keys k using stored s
    where s.failed and k.job = p_job.name and k.key = s.key and p_job.kind = 'queue'
  ), tried as (
    insert into baton.item_tries (item_id, ended_at, attempt_id, worker, started_at, outcome, error)
    select g.id, p_now, p_attempt.id, p_attempt.worker, v_since, 'lost', v_error from given_back g where not g.failed
  ), failed as (
    insert into baton.failed_items (job, failed_at, item_id, group_id)
    select p_job.name, p_now, g.id, g.group_id from given_back g where g.failed
  )
  insert into baton.ready_items (job, priority, rank, run_at, item_id, alone, group_id)
  select p_job.name, g.priority, baton_api.microseconds(p_now), p_now, g.id, g.losses >= 2 or g.attempts + 1 >= p_job.max_attempts, g.group_id
  from given_back g where not g.failed;
end
$$;
comment on function baton_api.lose_items is 'Gives back the items of an attempt that died (internal).';
