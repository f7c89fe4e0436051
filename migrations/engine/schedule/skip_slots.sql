-- Skips slots that fell into a running cycle, each with a line of the log; how many. Internal.
create function baton_api.skip_slots(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_slot record;
  v_rows int := 0;
begin
  for v_slot in
    update baton.slots s set status = 'skipped', settled_at = p_now
    from (
      select p.job, p.due_at from baton.slots p
      join baton.cycles c on c.job = p.job and c.status = 'running' and c.started_at < p.due_at
      where p.status = 'planned' and p.due_at <= p_now
      order by p.job, p.due_at limit p_limit
      for update of p skip locked
    ) d
    where s.job = d.job and s.due_at = d.due_at
    returning s.job, s.due_at
  loop
    perform baton_api.log_run(v_slot.job, 'skipped', 'cycle_running', null, 'schedule', 'scheduler', null, v_slot.due_at, p_now);
    v_rows := v_rows + 1;
  end loop;
  return v_rows;
end
$$;
comment on function baton_api.skip_slots is 'Skips slots that fell into a running cycle (internal).';
