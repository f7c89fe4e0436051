-- What auto-sync-jobs can do now, as due_work tells it. Internal.
create function baton_api.auto_syncs_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_work constant jsonb := baton_api.message_work(p_job.name, p_now);
begin
  if p_open.silent or (v_work->>'due')::boolean then
    return jsonb_build_object('state', 'due', 'slots', 1, 'reason', coalesce(v_work->>'reason', 'lease_expired'));
  end if;
  return jsonb_build_object('state', case when v_work ? 'reason' then 'throttled' else 'idle' end, 'slots', 0,
    'reason', coalesce(v_work->>'reason', 'nothing_due'), 'until', v_work->'until');
end
$$;
comment on function baton_api.auto_syncs_state is 'What auto-sync-jobs can do now (internal).';
