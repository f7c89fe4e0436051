-- What process-chunks can do now, as due_work tells it. Internal.
create function baton_api.chunks_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_excluded constant uuid[] := baton_api.excluded_sync_jobs(p_now, '{}');
begin
  if baton_api.has_due_chunks(p_now, v_excluded) then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - p_open.attempts, 'reason', 'chunks_due');
  elsif p_open.silent then
    -- The next claim sweeps, and finds the chunks of the dead due.
    return '{"state": "due", "slots": 1, "reason": "lease_expired"}';
  elsif p_open.attempts > 0 then
    -- Who holds the last chunks may be dead; the tick stays until the leases tell.
    return jsonb_build_object('state', 'busy', 'slots', 0, 'until', p_open.until,
      'reason', case when baton_api.has_due_chunks(p_now, '{}') then 'all_sources_busy' else 'busy' end);
  elsif baton_api.has_due_chunks(p_now, '{}') then
    return jsonb_build_object('state', 'throttled', 'slots', 0, 'reason', 'source_waits', 'until', (
      select min(s.blocked_until) from baton.sources s where s.blocked_until > p_now and not baton_api.is_past(s.blocked_until, p_now, interval '1 hour')));
  end if;
  return jsonb_build_object('state', 'idle', 'slots', 0, 'reason', 'nothing_due', 'until', baton_api.next_chunk_due_at(p_now));
end
$$;
comment on function baton_api.chunks_state is 'What process-chunks can do now (internal).';
