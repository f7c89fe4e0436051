-- Logs a run that could not have its job's lock or a seat, and builds its answer: `busy`, or `idle` when nothing is due.
-- The holder of the lock may be a caller that found nothing to do, and then the job is not busy. Internal.
create function baton_api.decline_as_busy(p_job baton.jobs, p_until timestamptz, p_trigger text, p_worker text, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_state constant jsonb := baton_api.job_state(p_job, p_now);
begin
  -- The other reasons to be idle hold for ticks and wakes; who calls by hand starts a cycle in spite of them.
  if v_state->>'state' = 'idle' and (v_state->>'reason' = 'nothing_due' or p_trigger in ('tick', 'wake')) then
    return baton_api.decline_run(p_job.name, 'idle', v_state->>'reason', (v_state->>'until')::timestamptz, p_trigger, p_worker, p_now);
  end if;
  return baton_api.decline_run(p_job.name, 'skipped', 'busy', p_until, p_trigger, p_worker, p_now);
end
$$;
comment on function baton_api.decline_as_busy is 'Answers a caller that could not have its turn: busy, or idle when nothing is due (internal).';
