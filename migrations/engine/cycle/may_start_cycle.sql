-- May the job start a cycle now, by itself? {"may": true}, or {"may": false, "reason": …, "until": …}.
-- A slot of its schedule is always a reason; a self-adaptive job also goes on after its restart delay,
-- unless a person stopped the last cycle. Internal.
create function baton_api.may_start_cycle(p_job text, p_now timestamptz) returns jsonb
language plpgsql stable
as $$
declare
  v_job baton.jobs;
  v_last baton.cycles;
  v_next_slot timestamptz;
  v_restart_at timestamptz;
begin
  select j.* into v_job from baton.jobs j where j.name = p_job;
  select min(s.due_at) into v_next_slot from baton.slots s where s.job = p_job and s.status = 'planned';
  if v_next_slot <= p_now then
    return jsonb_build_object('may', true, 'reason', 'slot_due');
  end if;
  if v_job.mode = 'protected' then
    return jsonb_build_object('may', false, 'reason', 'waits_for_schedule', 'until', v_next_slot);
  end if;
  select c.* into v_last from baton.cycles c where c.job = p_job order by c.started_at desc limit 1;
  if v_last.status = 'failed' then
    return jsonb_build_object('may', false, 'reason', 'cycle_stopped', 'until', v_next_slot);
  end if;
  v_restart_at := v_last.completed_at + v_job.restart_delay_seconds * interval '1 second';
  if v_restart_at > p_now then
    return jsonb_build_object('may', false, 'reason', 'restart_delay', 'until', v_restart_at);
  end if;
  return jsonb_build_object('may', true, 'reason', 'self_adaptive');
end
$$;
comment on function baton_api.may_start_cycle is 'Whether a job may start a cycle by itself, and if not, why (internal).';
