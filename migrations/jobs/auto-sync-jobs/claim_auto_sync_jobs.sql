-- Works the queued jobs of auto-syncs that are due, at most ten, and claims messages that wait to be sent or asked about,
-- those that just came of it among them. Answers one of
--   {"status": "claimed", "attempt_id", "now", "default_region", "messages": […], "jobs": {"processed", "skipped", "retried"}}
--   {"status": "skipped", "reason": busy | paused | throttled | provider_refused | …, "until"}
--   {"status": "idle", "reason": nothing_due, "until"}
-- Every answer but the first is in the log of runs already; in the second nothing was done.
-- Bounded by the job's batch size and limit. Locks: advisory, attempt, queued jobs, auto-sync, messages, limiter.
create function baton_api.claim_auto_sync_jobs(p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_name constant text := 'auto-sync-jobs';
  v_now constant timestamptz := baton.clock();
  v_attempt_id constant uuid := baton.ordered_id();
  v_job baton.jobs;
  v_gate record;
  v_jobs jsonb := '{}';
  v_work jsonb;
  v_ids uuid[];
begin
  perform baton_api.hold_after_failover(v_now);
  v_job := baton_api.job_of(v_name);
  v_gate := baton_api.open_gate(v_job, p_trigger, p_worker, '-infinity');
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;
  -- Whoever took the queue out keeps it out.
  if to_regclass('public.job_queue') is not null then
    v_jobs := baton_api.work_queued_jobs(v_now);
  end if;
  v_ids := baton_api.lease_messages(v_name, v_attempt_id, v_gate.item_limit, v_now);
  if v_ids = '{}' and not v_jobs @? '$.* ? (@ > 0)' then
    v_work := baton_api.message_work(v_name, v_now);
    return baton_api.decline_run(v_name, case when v_work ? 'reason' then 'skipped' else 'idle' end, coalesce(v_work->>'reason', 'nothing_due'),
      (v_work->>'until')::timestamptz, p_trigger, p_worker, v_now);
  end if;
  return baton_api.open_message_attempt(v_job, v_attempt_id, v_ids, p_trigger, p_worker, v_now) || jsonb_build_object('jobs', v_jobs);
end
$$;
comment on function baton_api.claim_auto_sync_jobs is 'Works the queued jobs of auto-syncs that are due and claims their messages, or says why not.';
