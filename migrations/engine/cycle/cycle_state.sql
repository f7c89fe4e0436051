-- What a job that works in cycles can do now, as due_work tells it; p_has_work says whether a new cycle would find something. Internal.
create function baton_api.cycle_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz, p_has_work boolean) returns jsonb
language plpgsql stable
as $$
declare
  v_may jsonb;
begin
  if exists (select from baton.cycles c where c.job = p_job.name and c.status = 'running') then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - p_open.attempts, 'reason', 'cycle_running');
  end if;
  v_may := baton_api.may_start_cycle(p_job.name, p_now);
  if not (v_may->>'may')::boolean then
    return jsonb_build_object('state', 'idle', 'slots', 0, 'reason', v_may->>'reason', 'until', v_may->'until');
  elsif v_may->>'reason' = 'slot_due' or p_has_work then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - p_open.attempts, 'reason', v_may->>'reason');
  end if;
  return '{"state": "idle", "slots": 0, "reason": "nothing_due"}';
end
$$;
comment on function baton_api.cycle_state is 'What a job that works in cycles can do now (internal).';
