-- Whether this deployment does its work: {"ready", "reasons"}, where reasons has stable codes:
-- no_recent_tick: no tick finished within the last 3 minutes;
-- work_overdue: a slot of a job that isn't paused is due for longer than the job's alert_after_seconds.
-- Reads only: one row of the log of ticks, and one slot of each of 100 jobs at most.
create function baton_api.readiness() returns jsonb
language plpgsql stable
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_reasons jsonb := '[]';
begin
  if not exists (select from baton.ticks t where t.finished_at > v_now - interval '3 minutes') then
    v_reasons := v_reasons || '["no_recent_tick"]';
  end if;
  if exists (
    select from (select j.* from baton.jobs j where j.paused_at is null order by j.name limit 100) j
    cross join lateral (
      select s.due_at from baton.slots s where s.job = j.name and s.status = 'planned' order by s.due_at limit 1) s
    where s.due_at < v_now - j.alert_after_seconds * interval '1 second')
  then
    v_reasons := v_reasons || '["work_overdue"]';
  end if;
  return jsonb_build_object('ready', v_reasons = '[]', 'reasons', v_reasons);
end
$$;
comment on function baton_api.readiness is 'Whether ticks arrive and no work is overdue, with stable codes of what is wrong.';
