-- One job's part of due_work. Internal; the order of the questions is that of open_gate and claim.
create function baton_api.job_state(p_job baton.jobs, p_now timestamptz) returns jsonb
language plpgsql stable
security definer set search_path = ''
as $$
declare
  v_throttle jsonb;
  v_open int;
  v_busy_until timestamptz;
  v_may jsonb;
  v_work jsonb;
  v_excluded uuid[];
  v_silent boolean;
begin
  if p_job.paused_at is not null then
    return jsonb_build_object('state', 'paused', 'slots', 0, 'reason', coalesce(p_job.pause_reason, 'paused by ' || p_job.paused_by));
  end if;
  select count(*) filter (where not p.past), min(a.leased_until) filter (where not p.past), coalesce(bool_or(p.past), false)
  into v_open, v_busy_until, v_silent
  from baton.attempts a, lateral (select baton_api.is_past(a.leased_until, p_now, interval '5 minutes') as past) p
  where a.job = p_job.name and a.finished_at is null;
  if v_open >= p_job.max_parallel then
    return jsonb_build_object('state', 'busy', 'slots', 0, 'reason', 'busy', 'until', v_busy_until);
  end if;
  v_throttle := baton_api.job_throttle(p_job, p_now);
  if v_throttle ? 'reason' then
    return jsonb_build_object('state', 'throttled', 'slots', 0) || (v_throttle - 'tokens');
  end if;
  if p_job.name = 'process-chunks' then
    v_excluded := baton_api.excluded_sync_jobs(p_now, '{}');
    if baton_api.has_due_chunks(p_now, v_excluded) then
      return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - v_open, 'reason', 'chunks_due');
    elsif v_silent then
      -- The next claim sweeps, and finds the chunks of the dead due.
      return jsonb_build_object('state', 'due', 'slots', 1, 'reason', 'lease_expired');
    elsif v_open > 0 then
      -- Whoever holds the last chunks may be dead; the tick stays until their leases tell.
      return jsonb_build_object('state', 'busy', 'slots', 0, 'until', v_busy_until,
        'reason', case when baton_api.has_due_chunks(p_now, '{}') then 'all_sources_busy' else 'busy' end);
    elsif baton_api.has_due_chunks(p_now, '{}') then
      return jsonb_build_object('state', 'throttled', 'slots', 0, 'reason', 'source_waits', 'until', (
        select min(s.blocked_until) from baton.sources s where s.blocked_until > p_now and not baton_api.is_past(s.blocked_until, p_now, interval '1 hour')));
    end if;
    return jsonb_build_object('state', 'idle', 'slots', 0, 'reason', 'nothing_due', 'until', baton_api.next_chunk_due_at(p_now));
  end if;
  if p_job.name in ('follow-up-reminders', 'auto-sync-jobs') then
    v_work := baton_api.message_work(p_job.name, p_now);
    if v_silent or (v_work->>'due')::boolean then
      return jsonb_build_object('state', 'due', 'slots', 1, 'reason', coalesce(v_work->>'reason', 'lease_expired'));
    elsif p_job.name = 'auto-sync-jobs' then
      return jsonb_build_object('state', case when v_work ? 'reason' then 'throttled' else 'idle' end, 'slots', 0,
        'reason', coalesce(v_work->>'reason', 'nothing_due'), 'until', v_work->'until');
    end if;
  end if;
  if p_job.name not in ('validate-contacts', 'follow-up-reminders') then
    raise exception 'nothing is known of job %', p_job.name using errcode = 'WK002';
  end if;
  if exists (select from baton.cycles c where c.job = p_job.name and c.status = 'running') then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - v_open, 'reason', 'cycle_running');
  end if;
  v_may := baton_api.may_start_cycle(p_job.name, p_now);
  if not (v_may->>'may')::boolean then
    return jsonb_build_object('state', case when v_work ? 'reason' then 'throttled' else 'idle' end, 'slots', 0,
      'reason', coalesce(v_work->>'reason', v_may->>'reason'), 'until', least((v_may->>'until')::timestamptz, (v_work->>'until')::timestamptz));
  end if;
  if v_may->>'reason' = 'slot_due' or (case p_job.name
    when 'follow-up-reminders' then exists (select from baton_api.due_assignments(null, 1))
    else exists (select from baton_api.due_contacts(p_now, baton_api.stale_before(p_now), null, 1)) end)
  then
    return jsonb_build_object('state', 'due', 'slots', p_job.max_parallel - v_open, 'reason', v_may->>'reason');
  end if;
  return jsonb_build_object('state', case when v_work ? 'reason' then 'throttled' else 'idle' end, 'slots', 0,
    'reason', coalesce(v_work->>'reason', 'nothing_due'), 'until', v_work->'until');
end
$$;
comment on function baton_api.job_state is 'Whether one job can run now, and if not, why and until when (internal).';
