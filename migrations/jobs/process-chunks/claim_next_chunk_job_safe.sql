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
  v_now timestamptz;
  v_attempt_id constant uuid := baton.ordered_id();
  v_gate record;
  v_ids uuid[];
  v_chunks jsonb;
  v_jobs jsonb;
  v_rank bigint;
  v_setting text;
begin
  v_setting := pg_catalog.set_config('synchronous_commit', 'off', true);
  v_setting := pg_catalog.set_config('baton.quiet', 'on', true);
  -- The marks stay where they are while somebody claims.
  perform pg_catalog.pg_advisory_xact_lock_shared(123456790, 0);
  v_gate := baton_api.open_gate(v_name, p_trigger, p_worker, baton_api.mark_at('attempt_mark', 123456790));
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;
  -- Not read before the locks: an attempt that seems older than the mark of attempts would be counted by no claim.
  v_now := v_gate.now;
  v_ids := baton_api.pick_chunks(v_now, v_gate.item_limit, (v_gate.job).max_parallel);
  if v_ids = '{}' then
    if baton_api.has_due_chunks(v_now, '{}') then
      return baton_api.decline_run(v_name, 'skipped', 'all_sources_busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
    end if;
    perform baton_api.finish_ended_sync_jobs(100);
    return baton_api.decline_run(v_name, 'idle', 'nothing_due', baton_api.next_chunk_due_at(v_now), p_trigger, p_worker, v_now);
  end if;

  -- One statement, because each costs as much as a row.
  with claimed as (
    update baton.chunk_processing_queue q
    set status = 'processing', attempts = q.attempts + 1, started_at = v_now, worker_id = p_worker, attempt_id = v_attempt_id,
        retry_at = null, error_message = null
    where q.id = any (v_ids)
    returning q.id, q.chunk_id, q.parent_sync_job_id, q.attempts, q.rank
  ), parents as (
    select distinct c.parent_sync_job_id as id from claimed c
  ), begun as (
    update baton.sync_jobs j set status = 'processing', started_at = v_now
    from parents p where j.id = p.id and j.status = 'pending'
  ), leased as (
    insert into baton.attempts (id, job, seat, trigger, worker, item_ids, n_items, sync_job_ids, claimed_at, leased_until)
    select v_attempt_id, v_name, v_gate.seat, p_trigger, p_worker, v_ids, cardinality(v_ids), array(select p.id from parents p), v_now,
           v_now + (v_gate.job).lease_seconds * interval '1 second'
  )
  select jsonb_agg(jsonb_build_object('id', c.id, 'sync_job_id', c.parent_sync_job_id, 'attempt', c.attempts, 'work', w.work) order by c.rank),
         max(c.rank), (
           select jsonb_object_agg(j.id, jsonb_build_object('plan', j.plan, 'source', jsonb_build_object(
             'name', s.name, 'kind', s.kind, 'url', s.url, 'username', s.username, 'secret', k.secret, 'settings', s.settings)))
           from parents p join baton.sync_jobs j on j.id = p.id join baton.sources s on s.name = j.source
           left join baton.source_secrets k on k.source = s.name)
  into v_chunks, v_rank, v_jobs
  from claimed c join baton.chunked_sync_jobs w on w.id = c.chunk_id;

  if (v_gate.job).rate_per_minute is not null then
    perform baton_api.take_tokens(v_name, cardinality(v_ids), v_now);
  end if;
  -- A call that nobody follows by the next one wakes the one beside it, until all calls that are allowed are under way.
  if p_trigger not in ('tick', 'next') and v_gate.open_attempts + 1 < (v_gate.job).max_parallel and baton_api.has_due_chunks(v_now, '{}') then
    perform baton.wake(v_name);
  end if;
  if v_rank >= baton_api.mark('rank_mark', 123456790) + 100 then
    perform baton_api.raise_chunk_marks(v_rank, v_now);
  end if;
  return jsonb_build_object('status', 'claimed', 'attempt_id', v_attempt_id, 'chunks', v_chunks, 'jobs', v_jobs);
end
$$;
comment on function baton_api.claim_next_chunk_job_safe is 'Claims the next chunks of sync jobs, or says why not.';
