-- What every claim asks first: is this job free to take items, and how many?
-- Answers {"status": "open", "limit": n}, or a declined run, already logged, with reason and until.
-- Takes the job's advisory lock for this transaction, so what follows is the only claim of the job;
-- sweeps at most 100 dead attempts of it. Internal. Raises WK002 when there is no such job.
-- Locks: advisory, attempt.
create function baton_api.open_gate(p_job text, p_trigger text, p_worker text) returns jsonb
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_job baton.jobs;
  v_busy_until timestamptz;
  v_open int;
  v_throttle jsonb;
  v_limit int;
begin
  select j.* into v_job from baton.jobs j where j.name = p_job;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  if not pg_catalog.pg_try_advisory_xact_lock(v_job.lock_id) then
    return baton_api.decline_run(p_job, 'skipped', 'busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
  end if;

  perform baton_api.sweep_attempts(p_job, 100);
  if v_job.paused_at is not null then
    return baton_api.decline_run(p_job, 'skipped', 'paused', null, p_trigger, p_worker, v_now);
  end if;

  select count(*), min(a.leased_until) into v_open, v_busy_until
  from baton.attempts a where a.job = p_job and a.finished_at is null;
  if v_open >= v_job.max_parallel then
    return baton_api.decline_run(p_job, 'skipped', 'busy', v_busy_until, p_trigger, p_worker, v_now);
  end if;

  v_throttle := baton_api.job_throttle(v_job, v_now);
  if v_throttle ? 'reason' then
    return baton_api.decline_run(p_job, 'skipped', v_throttle->>'reason', (v_throttle->>'until')::timestamptz, p_trigger, p_worker, v_now);
  end if;
  -- An item that was in two dead attempts is taken alone, so that it alone pays if it kills a third.
  v_limit := least((v_throttle->>'tokens')::int, case
    when exists (select from baton.item_losses l where l.job = p_job and l.losses > 1) then 1 else v_job.batch_size end);
  return jsonb_build_object('status', 'open', 'limit', v_limit);
end
$$;
comment on function baton_api.open_gate is 'Takes the job''s lock and says how many items may be taken, or why none (internal).';
