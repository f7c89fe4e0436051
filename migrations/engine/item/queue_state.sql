-- The state of a job that has items: the part of job_state that is about its work. Internal.
create function baton_api.queue_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_ready constant boolean := baton_api.has_ready_items(p_job, p_now);
begin
  if v_ready and (p_job.kind <> 'groups' or baton_api.has_open_ready_items(p_job, p_now)) then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - p_open.attempts, 'reason', 'items_due');
  elsif p_open.silent then
    -- The next claim sweeps, and finds the items of the dead ready.
    return '{"state": "due", "slots": 1, "reason": "lease_expired"}';
  elsif p_open.attempts > 0 then
    -- The worker that has the last items may be dead; the tick stays until the leases tell.
    return jsonb_build_object('state', 'busy', 'slots', 0, 'reason', case when v_ready then 'all_sources_busy' else 'busy' end, 'until', p_open.until);
  elsif v_ready then
    return jsonb_build_object('state', 'throttled', 'slots', 0, 'reason', 'source_waits', 'until', (
      select min(g.blocked_until) from baton.item_groups g
      where g.job = p_job.name and g.blocked_until > p_now and not baton_api.is_past(g.blocked_until, p_now, interval '1 hour')));
  end if;
  return jsonb_build_object('state', 'idle', 'slots', 0, 'reason', 'nothing_due', 'until', baton_api.next_item_due_at(p_job, p_now));
end
$$;
comment on function baton_api.queue_state is 'Whether a job has items that can be taken now (internal).';
