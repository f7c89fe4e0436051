-- What every claim asks first: is this job free to take items, and how many?
-- `declined` is the answer of a run that may take none, already logged, with reason and until; null when the gate is open. `now`
-- is the time read under the lock.
-- One attempt at a time, or a limit: the job's advisory lock is taken for this transaction, so what follows is the only
-- claim of the job. More at a time: claims share that lock and each takes the lock of a seat instead, so they need not
-- wait for each other, and what follows is the only claim of that seat.
-- p_open_since is a moment before which no attempt is open. Sweeps at most 100 dead attempts of the job. Internal.
-- Locks: advisory, attempt.
create function baton_api.open_gate(
  p_job baton.jobs, p_trigger text, p_worker text, p_open_since timestamptz,
  out declined jsonb, out item_limit int, out seat int, out open_attempts int, out now timestamptz
)
language plpgsql
as $$
declare
  v_alone boolean;
  v_first_until timestamptz;
  v_taken int[] := '{}';
  v_last int;
  v_seat int;
  v_turn constant int := pg_catalog.pg_backend_pid() % 64;
  v_limited boolean;
  v_losses boolean;
  v_throttle jsonb;
begin
  perform baton_api.check_isolation();
  v_alone := p_job.max_parallel = 1 or p_job.rate_per_minute is not null;
  if not (case when v_alone then pg_catalog.pg_try_advisory_xact_lock(p_job.lock_id) else pg_catalog.pg_try_advisory_xact_lock_shared(p_job.lock_id) end)
     and not (v_alone and p_job.max_parallel > 1 and baton_api.wait_for_turn(p_job.lock_id, null)) then
    declined := baton_api.decline_as_busy(p_job, baton.clock() + interval '1 second', p_trigger, p_worker, baton.clock());
    return;
  end if;

  seat := 0;
  for i in 1 .. 3 + p_job.max_parallel loop
    now := baton.clock();
    select count(a), min(case when not baton_api.is_past(a.leased_until, now, interval '5 minutes') then a.leased_until else '-infinity' end), coalesce(array_agg(a.seat), '{}'),
           exists (select from baton.limiters l where l.job = p_job.name and l.blocked_until > now),
           p_job.kind = 'custom' and exists (select from baton.item_losses l where l.job = p_job.name and l.losses > 1)
    into open_attempts, v_first_until, v_taken, v_limited, v_losses
    from baton.attempts a where a.job = p_job.name and a.finished_at is null and a.claimed_at >= p_open_since;
    -- Not by one condition: with nothing open it would be null and sweep, whatever its other half does.
    if v_first_until < now then
      continue when baton_api.sweep_attempts(p_job.name, 100) > 0;
    end if;
    exit when v_alone or p_job.paused_at is not null or open_attempts >= p_job.max_parallel or seat > 0 and seat <> all (v_taken);
    -- Whoever took the seat before has committed when its lock can be had, and is seen when looking again.
    v_last := seat;
    seat := null;
    v_seat := null;
    for n in 1 .. p_job.max_parallel loop
      continue when 1 + (n + v_turn) % p_job.max_parallel = any (v_last || v_taken);
      v_seat := 1 + (n + v_turn) % p_job.max_parallel;
      if pg_catalog.pg_try_advisory_xact_lock(p_job.lock_id::int, v_seat) then
        seat := v_seat;
        exit;
      end if;
    end loop;
    -- All free ones are being looked at by others, who may find nothing to do.
    if seat is null and v_seat is not null and baton_api.wait_for_turn(p_job.lock_id, v_seat) then
      seat := v_seat;
    end if;
    exit when seat is null;
  end loop;
  if p_job.paused_at is not null then
    declined := baton_api.decline_run(p_job.name, 'skipped', 'paused', null, p_trigger, p_worker, now);
    return;
  elsif open_attempts >= p_job.max_parallel or not v_alone and (seat is null or seat = any (v_taken)) then
    declined := baton_api.decline_as_busy(p_job, coalesce(v_first_until, now + interval '1 second'), p_trigger, p_worker, now);
    return;
  end if;

  -- An item that was in two dead attempts is taken alone, so that it alone pays if it kills a third.
  item_limit := case when v_losses then 1 else p_job.batch_size end;
  if v_limited or p_job.rate_per_minute is not null then
    v_throttle := baton_api.job_throttle(p_job, now);
    if v_throttle ? 'reason' then
      declined := baton_api.decline_run(p_job.name, 'skipped', v_throttle->>'reason', (v_throttle->>'until')::timestamptz, p_trigger, p_worker, now);
      return;
    end if;
    item_limit := least((v_throttle->>'tokens')::int, item_limit);
  end if;
end
$$;
comment on function baton_api.open_gate is 'Takes a job''s lock or a seat of it and says how many items may be taken, or why none (internal).';
