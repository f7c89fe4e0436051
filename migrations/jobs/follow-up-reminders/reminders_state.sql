-- What follow-up-reminders can do now, as due_work tells it: messages that wait, else a cycle. Internal.
create function baton_api.reminders_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_work constant jsonb := baton_api.message_work(p_job.name, p_now);
  v_state jsonb;
begin
  if p_open.silent or (v_work->>'due')::boolean then
    return jsonb_build_object('state', 'due', 'slots', 1, 'reason', coalesce(v_work->>'reason', 'lease_expired'));
  end if;
  v_state := baton_api.cycle_state(p_job, p_open, p_now, exists (select from baton_api.due_assignments(null, 1)));
  if v_state->>'state' = 'due' then
    return v_state;
  end if;
  return v_state || jsonb_build_object('state', case when v_work ? 'reason' then 'throttled' else 'idle' end,
    'reason', coalesce(v_work->>'reason', v_state->>'reason'), 'until', least((v_state->>'until')::timestamptz, (v_work->>'until')::timestamptz));
end
$$;
comment on function baton_api.reminders_state is 'What follow-up-reminders can do now (internal).';
