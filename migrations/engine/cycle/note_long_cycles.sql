-- Notes an alert for a running cycle, or for all with null, that has been running for longer than its job's threshold; one
-- for each cycle. Internal.
create function baton_api.note_long_cycles(p_cycle_id uuid, p_now timestamptz) returns void
language sql
as $$
  insert into baton.alerts (job, cycle_id, alert_after_seconds, noticed_at)
  select c.job, c.id, j.alert_after_seconds, p_now
  from baton.cycles c join baton.jobs j on j.name = c.job
  where c.status = 'running' and (p_cycle_id is null or c.id = p_cycle_id)
    and c.started_at < p_now - j.alert_after_seconds * interval '1 second'
  on conflict do nothing
$$;
comment on function baton_api.note_long_cycles is 'Notes an alert for each cycle that runs too long, once (internal).';
