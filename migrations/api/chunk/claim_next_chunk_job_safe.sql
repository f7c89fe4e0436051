-- Claims the next chunks: `batch_size` of them, one by default. Answers one of
--   {"status": "claimed", "attempt_id", "chunks": [{"id", "sync_job_id", "attempt", "work"}],
--    "jobs": {sync_job_id: {"plan", "source": {"name", "kind", "url", "username", "secret", "settings"}}}}
--   {"status": "skipped", "reason": busy | paused | throttled | all_sources_busy, "until"}
--   {"status": "idle", "reason": nothing_due, "until"}
-- Every answer but the first is in the log of runs already. The claim need not survive a crash of the database: without
-- it the chunks are still pending, and its attempt can settle nothing. So nobody waits for the disk here.
-- Whatever the statistics say of a queue that was empty a moment ago, it is never read from end to end.
-- Bounded by the job's batch size, limit and parallelism, and by the sources'. Locks: advisory, attempt, chunks, sync job, limiter.
create function baton_api.claim_next_chunk_job_safe(p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_name constant text := 'process-chunks';
  v_now timestamptz := baton.clock();
  v_attempt_id constant uuid := baton.ordered_id();
  v_gate record;
  v_excluded uuid[];
  v_ids uuid[];
  v_chunks jsonb;
  v_sync_job_ids uuid[];
  v_jobs jsonb;
  v_fresh boolean;
  v_rank bigint;
begin
  perform pg_catalog.set_config('synchronous_commit', 'off', true), pg_catalog.set_config('baton.quiet', 'on', true);
  select g.declined, (g.job).lease_seconds, (g.job).max_parallel, (g.job).rate_per_minute, g.item_limit, g.open_attempts into v_gate
  from baton_api.open_gate(v_name, p_trigger, p_worker, baton_api.chunk_mark_at('baton.chunk_attempt_mark')) g;
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;

  v_excluded := baton_api.excluded_sync_jobs(v_now);
  v_ids := baton_api.pick_chunks(v_now, v_gate.item_limit, v_excluded);
  if v_ids = '{}' then
    if v_excluded <> '{}' and baton_api.has_due_chunks(v_now, '{}') then
      return baton_api.decline_run(v_name, 'skipped', 'all_sources_busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
    end if;
    return baton_api.decline_run(v_name, 'idle', 'nothing_due', baton_api.next_chunk_due_at(v_now), p_trigger, p_worker, v_now);
  end if;

  with claimed as (
    update baton.chunk_processing_queue q
    set status = 'processing', attempts = q.attempts + 1, started_at = v_now, worker_id = p_worker, attempt_id = v_attempt_id,
        retry_at = null, error_message = null
    where q.id = any (v_ids)
    returning q.id, q.chunk_id, q.parent_sync_job_id, q.attempts, q.rank
  )
  select jsonb_agg(jsonb_build_object('id', c.id, 'sync_job_id', c.parent_sync_job_id, 'attempt', c.attempts, 'work', w.work) order by c.rank),
         array_agg(distinct c.parent_sync_job_id), max(c.rank)
  into v_chunks, v_sync_job_ids, v_rank
  from claimed c join baton.chunked_sync_jobs w on w.id = c.chunk_id;

  select jsonb_object_agg(j.id, jsonb_build_object('plan', j.plan, 'source', jsonb_build_object(
           'name', s.name, 'kind', s.kind, 'url', s.url, 'username', s.username, 'secret', k.secret, 'settings', s.settings))),
         bool_or(j.status = 'pending')
  into v_jobs, v_fresh
  from baton.sync_jobs j join baton.sources s on s.name = j.source left join baton.source_secrets k on k.source = s.name
  where j.id = any (v_sync_job_ids);
  if v_fresh then
    update baton.sync_jobs j set status = 'processing', started_at = v_now
    where j.id = any (v_sync_job_ids) and j.status = 'pending';
  end if;

  insert into baton.attempts (id, job, trigger, worker, item_ids, n_items, sync_job_ids, claimed_at, leased_until)
  values (v_attempt_id, v_name, p_trigger, p_worker, v_ids, cardinality(v_ids), v_sync_job_ids, v_now,
    v_now + v_gate.lease_seconds * interval '1 second');
  if v_gate.rate_per_minute is not null then
    perform baton_api.take_tokens(v_name, cardinality(v_ids), v_now);
  end if;
  -- A call that nobody follows by the next one wakes the one beside it, until all calls that are allowed are under way.
  if p_trigger not in ('tick', 'next') and v_gate.open_attempts + 1 < v_gate.max_parallel and baton_api.has_due_chunks(v_now, v_excluded) then
    perform baton.wake(v_name);
  end if;
  perform baton_api.raise_chunk_marks(v_rank, v_now);
  return jsonb_build_object('status', 'claimed', 'attempt_id', v_attempt_id, 'chunks', v_chunks, 'jobs', v_jobs);
end
$$;
comment on function baton_api.claim_next_chunk_job_safe is 'Claims the next chunks of sync jobs, or says why not.';
grant execute on function baton_api.claim_next_chunk_job_safe to baton_worker;
