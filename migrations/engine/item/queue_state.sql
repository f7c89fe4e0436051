-- The state of a job that has items: the part of job_state that is about its work. Internal.
create function baton_api.queue_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz) returns jsonb
language plpgsql
as $$
begin
  if baton_api.has_ready_items(p_job, p_now) then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - p_open.attempts, 'reason', 'items_due');
  elsif p_open.silent then
    -- The next claim sweeps, and finds the items of the dead ready.
    return '{"state": "due", "slots": 1, "reason": "lease_expired"}';
  elsif p_open.attempts > 0 then
    -- Who holds the last items may be dead; the tick stays until the leases tell.
    return jsonb_build_object('state', 'busy', 'slots', 0, 'reason', 'busy', 'until', p_open.until);
  end if;
  return jsonb_build_object('state', 'idle', 'slots', 0, 'reason', 'nothing_due', 'until', baton_api.next_item_due_at(p_job, p_now));
end
$$;
comment on function baton_api.queue_state is 'Whether a job has items that can be taken now (internal).';
