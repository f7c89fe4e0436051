-- What can run now, from the tables alone, and why not for the rest:
-- {"now", "jobs": [{"job", "route", "state": due | busy | paused | throttled | idle | broken, "slots", "reason", "until"}],
--  "plan": [{"job", "cron", "after"}]}  where plan lists the schedules without a slot ahead.
-- Reads only. At most p_limit jobs.
create function baton_api.due_work(p_limit int) returns jsonb
language plpgsql stable
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_jobs jsonb := '[]';
  v_job baton.jobs;
begin
  for v_job in select j.* from baton.jobs j order by j.name limit least(greatest(coalesce(p_limit, 100), 1), 1000) loop
    v_jobs := v_jobs || (jsonb_build_object('job', v_job.name, 'route', v_job.route) || baton_api.explain_job(v_job, v_now));
  end loop;
  return jsonb_build_object('now', v_now, 'jobs', v_jobs, 'plan', coalesce((
    select jsonb_agg(jsonb_build_object('job', s.job, 'cron', s.cron, 'after', v_now) order by s.job)
    from baton.schedules s
    where s.enabled and not exists (
      select from baton.slots p where p.job = s.job and p.status = 'planned' and p.due_at > v_now)
  ), '[]'));
end
$$;
comment on function baton_api.due_work is 'Which jobs can run now, and why not for the rest.';
