-- One job's part of due_work. Internal; the order of the questions is that of open_gate and claim. What the job has to do is told
-- by its queue, or by the function that it has registered for it.
create function baton_api.job_state(p_job baton.jobs, p_now timestamptz) returns jsonb
language plpgsql stable
security definer set search_path = ''
as $$
declare
  v_throttle jsonb;
  v_open baton_api.open_attempts;
  v_state jsonb;
begin
  if p_job.paused_at is not null then
    return jsonb_build_object('state', 'paused', 'slots', 0, 'reason', coalesce(p_job.pause_reason, 'paused by ' || p_job.paused_by));
  end if;
  v_open := baton_api.open_attempts_of(p_job, p_now);
  if v_open.attempts >= p_job.max_parallel then
    return jsonb_build_object('state', 'busy', 'slots', 0, 'reason', 'busy', 'until', v_open.until);
  end if;
  v_throttle := baton_api.job_throttle(p_job, p_now);
  if v_throttle ? 'reason' then
    return jsonb_build_object('state', 'throttled', 'slots', 0) || (v_throttle - 'tokens');
  elsif p_job.kind <> 'custom' then
    return baton_api.queue_state(p_job, v_open, p_now);
  end if;
  execute format('select %s($1, $2, $3)', baton_api.job_function(p_job.name, 'state')) into v_state using p_job, v_open, p_now;
  return v_state;
end
$$;
comment on function baton_api.job_state is 'Whether one job can run now, and if not, why and until when (internal).';
