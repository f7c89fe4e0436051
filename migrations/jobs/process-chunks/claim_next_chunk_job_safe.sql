-- Claims the next chunks: `batch_size` of them, one by default. Answers one of
--   {"status": "claimed", "attempt_id", "chunks": [{"id", "sync_job_id", "attempt", "work"}],
--    "jobs": {sync_job_id: {"plan", "source": {"name", "kind", "url", "username", "secret", "settings"}}}}
--   {"status": "skipped", "reason": busy | paused | throttled | all_sources_busy, "until"}
--   {"status": "idle", "reason": nothing_due, "until"}
-- Every answer but the first is in the log of runs already. The claim need not survive a crash of the database: without it the
-- chunks are still ready, and its attempt can settle nothing. So no caller waits for the disk here.
-- Bounded by the job's batch size, limit and parallelism, and by the sources'. Locks: those of claim_next_items, sync job.
create function baton_api.claim_next_chunk_job_safe(p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_claimed jsonb;
begin
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  v_claimed := baton_api.claim_next_items(baton_api.job_of('process-chunks'), p_trigger, p_worker, null);
  if v_claimed->>'status' = 'claimed' then
    return baton_api.chunks_of((v_claimed->>'attempt_id')::uuid, array(select jsonb_array_elements_text(v_claimed->'item_ids')), baton_api.uuids(v_claimed->'groups'), baton.clock())::jsonb;
  elsif v_claimed->>'status' = 'idle' then
    perform baton_api.finish_ended_sync_jobs(100);
  end if;
  return v_claimed;
end
$$;
comment on function baton_api.claim_next_chunk_job_safe is 'Claims the next chunks of sync jobs, or says why not.';
