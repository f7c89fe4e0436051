-- Claims the next items of a job: `batch_size` of them. Answers one of
--   {"status": "claimed", "attempt_id", "items": [{"id", "attempt", "max_attempts", "key", "data"}]}
--   {"status": "skipped", "reason": busy | paused | throttled | …, "until"}
--   {"status": "idle", "reason": nothing_due, "until"}
-- Every answer but the first is in the log of runs already. The claim need not survive a crash of the database: without it the
-- items are still ready, and its attempt can settle nothing. So no caller waits for the disk here.
-- Raises WK002 when there is no such job, WK004 when it has no items, 42501 when the caller is not the job's role.
create function baton_api.claim_items(p_job text, p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_job constant baton.jobs := baton_api.job_of(p_job);
  v_claimed jsonb;
begin
  perform baton_api.check_role(p_job);
  if v_job.kind not in ('queue', 'rows') then
    raise exception 'job % has a claim of its own', p_job using errcode = 'WK004';
  end if;
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  v_claimed := baton_api.claim_next_items(v_job, p_trigger, p_worker, null);
  if v_claimed->>'status' <> 'claimed' then
    return v_claimed;
  end if;
  return baton_api.items_of((v_claimed->>'attempt_id')::uuid, array(select jsonb_array_elements_text(v_claimed->'item_ids')), v_job.max_attempts)::jsonb;
end
$$;
comment on function baton_api.claim_items is 'Claims the next items of a job, or says why not.';
