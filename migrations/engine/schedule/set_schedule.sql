-- Sets when a job starts a cycle by itself, or gets an item (five cron fields, UTC), or null for never. For operators.
-- Planned slots of the old schedule are dropped. The caller checks the expression; here only its shape.
-- Raises WK002 when there is no such job, WK004 when no schedule can start it.
create function baton_api.set_schedule(p_job text, p_cron text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_old text;
  v_may_have_one boolean;
begin
  select j.on_slot is not null into v_may_have_one from baton.jobs j where j.name = p_job;
  if not found then
    raise exception 'there is no job %', p_job using errcode = 'WK002';
  elsif p_cron is not null and not v_may_have_one then
    raise exception '% has no cycles, so no schedule starts it: it works whatever is due', p_job using errcode = 'WK004',
      hint = 'Jobs with a schedule: ' || (select string_agg(j.name, ', ' order by j.name) from baton.jobs j where j.on_slot is not null) || '.';
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

-- The door for the owner's own statements: when a job of the application gets an item by itself (five cron fields, UTC), or null for never.
create or replace function baton.set_schedule(job text, cron text) returns void
language sql
set search_path = ''
as $$ select baton_api.set_schedule($1, $2, session_user::text) $$;
comment on function baton.set_schedule is 'Sets when a job gets an item, or starts a cycle, by itself.';
