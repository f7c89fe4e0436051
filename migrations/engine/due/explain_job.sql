-- One job's state as job_state tells it, or {"state": "broken", "reason"} when that fails, for example because the application
-- renamed a column: a broken job hides no other. Internal.
create function baton_api.explain_job(p_job baton.jobs, p_now timestamptz) returns jsonb
language plpgsql stable
security definer set search_path = ''
as $$
begin
  return baton_api.job_state(p_job, p_now);
exception when others then
  return jsonb_build_object('state', 'broken', 'slots', 0, 'reason', sqlstate || ' ' || left(sqlerrm, 200));
end
$$;
comment on function baton_api.explain_job is 'Whether one job can run now, and if not, why; broken when its query fails (internal).';
