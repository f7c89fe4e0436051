-- What every settlement of items does first: locks the attempt, and the marks of its job. `answer` is what to answer when there is
-- nothing to settle: it is lost, or was settled before; else null. Internal. Raises 42501 when the caller is not the job's role, WK006.
-- Locks: attempt, the shared lock of the marks.
create function baton_api.lock_attempt(p_attempt_id uuid, p_now timestamptz, out answer jsonb, out attempt baton.attempts, out job baton.jobs)
language plpgsql
as $$
begin
  perform baton_api.check_isolation();
  select a.* into attempt from baton.attempts a where a.id = p_attempt_id for update;
  if attempt.id is null then
    -- A crash of the database took the claim along.
    answer := jsonb_build_object('status', 'lost', 'reason', 'no_such_attempt');
    return;
  end if;
  select j.* into job from baton.jobs j where j.name = attempt.job;
  -- A settlement of its own may be called by the job's role alone.
  if job.kind in ('queue', 'rows') then
    perform baton_api.check_role(job.name);
  end if;
  if attempt.outcome = 'settled' then
    answer := attempt.result || baton_api.items_again(job, p_now) || '{"next": null}';
  elsif attempt.outcome is not null then
    answer := attempt.result;
  else
    perform pg_catalog.pg_advisory_xact_lock_shared(job.lock_id::int, 0);
  end if;
end
$$;
comment on function baton_api.lock_attempt is 'Locks an attempt that is to be settled, or says why it cannot be (internal).';
