-- What every claim asks first: is this job free to take items, and how many?
-- `declined` is the answer of a run that may take none, already logged, with reason and until; null when the gate is open.
-- Takes the job's advisory lock for this transaction, so what follows is the only claim of the job. A job with one
-- attempt at a time never waits for it; with more, claims are as short as they are frequent, so they queue up for 200 ms.
-- p_open_since is a moment before which no attempt is open; sweeps at most 100 dead attempts of the job. Internal.
-- Raises WK002 when there is no such job. Locks: advisory, attempt.
create function baton_api.open_gate(
  p_job text, p_trigger text, p_worker text, p_open_since timestamptz,
  out declined jsonb, out job baton.jobs, out item_limit int, out open_attempts int
)
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_first_until timestamptz;
  v_throttle jsonb;
begin
  select j.* into job from baton.jobs j where j.name = p_job;
  if job.name is null then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  if not pg_catalog.pg_try_advisory_xact_lock(job.lock_id)
     and not (job.max_parallel > 1 and baton_api.wait_for_turn(job.lock_id)) then
    declined := baton_api.decline_run(p_job, 'skipped', 'busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
    return;
  end if;

  for i in 1 .. 2 loop
    select count(*), min(a.leased_until) into open_attempts, v_first_until
    from baton.attempts a where a.job = p_job and a.finished_at is null and a.claimed_at >= p_open_since;
    exit when v_first_until is null or v_first_until >= v_now or baton_api.sweep_attempts(p_job, 100) = 0;
  end loop;
  if job.paused_at is not null then
    declined := baton_api.decline_run(p_job, 'skipped', 'paused', null, p_trigger, p_worker, v_now);
    return;
  elsif open_attempts >= job.max_parallel then
    declined := baton_api.decline_run(p_job, 'skipped', 'busy', v_first_until, p_trigger, p_worker, v_now);
    return;
  end if;

  v_throttle := baton_api.job_throttle(job, v_now);
  if v_throttle ? 'reason' then
    declined := baton_api.decline_run(p_job, 'skipped', v_throttle->>'reason', (v_throttle->>'until')::timestamptz, p_trigger, p_worker, v_now);
    return;
  end if;
  -- An item that was in two dead attempts is taken alone, so that it alone pays if it kills a third.
  item_limit := least((v_throttle->>'tokens')::int, case
    when exists (select from baton.item_losses l where l.job = p_job and l.losses > 1) then 1 else job.batch_size end);
end
$$;
comment on function baton_api.open_gate is 'Takes the job''s lock and says how many items may be taken, or why none (internal).';
