-- Sets when a job starts a cycle by itself (five cron fields, UTC), or null for never. For operators.
-- Planned slots of the old schedule are dropped. The caller checks the expression; here only its shape.
-- Raises WK002 when there is no such job, WK004 when it has no cycles that a schedule could start.
create function baton_api.set_schedule(p_job text, p_cron text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_old text;
begin
  if not exists (select from baton.jobs j where j.name = p_job) then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  end if;
  if p_cron is not null and p_job not in ('validate-contacts', 'follow-up-reminders') then
    raise exception '% has no cycles, so no schedule starts it: it works whatever is due', p_job using errcode = 'WK004',
      hint = 'validate-contacts and follow-up-reminders have schedules.';
  end if;
  select s.cron into v_old from baton.schedules s where s.job = p_job and s.enabled for update;
  if p_cron is null then
    update baton.schedules s set enabled = false, changed_at = baton.clock() where s.job = p_job;
  else
    insert into baton.schedules (job, cron) values (p_job, p_cron)
    on conflict (job) do update set cron = excluded.cron, enabled = true, changed_at = baton.clock();
  end if;
  delete from baton.slots s where s.job = p_job and s.status = 'planned';
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('schedule', p_job, v_old, p_cron, p_who);
  return jsonb_build_object('job', p_job, 'cron', p_cron);
end
$$;
comment on function baton_api.set_schedule is 'Sets when a job starts a cycle by itself, or never.';
