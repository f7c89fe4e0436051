-- What can run now, from the tables alone, and why not for the rest:
-- {"now", "jobs": [{"job", "route", "base_url", "state": due | busy | paused | throttled | idle | broken, "slots", "reason", "until"}],
--  "plan": [{"job", "cron", "after", "planned"}]}  where plan lists the schedules, each with the one slot ahead that it has, in the
-- form 2026-03-01T09:30:00Z; null when it has none, or several. The caller plans what is not the next fire after that moment.
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
    v_jobs := v_jobs || (jsonb_build_object('job', v_job.name, 'route', v_job.route, 'base_url', v_job.base_url) || baton_api.explain_job(v_job, v_now));
  end loop;
  return jsonb_build_object('now', v_now, 'jobs', v_jobs, 'plan', coalesce((
    select jsonb_agg(jsonb_build_object('job', s.job, 'cron', s.cron, 'after', v_now, 'planned', p.planned) order by s.job)
    from baton.schedules s
    cross join lateral (
      select case when count(*) = 1 then to_char(min(p.due_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end as planned
      from baton.slots p where p.job = s.job and p.status = 'planned' and p.due_at > v_now) p
    where s.enabled
  ), '[]'));
end
$$;
comment on function baton_api.due_work is 'Which jobs can run now, and why not for the rest.';
