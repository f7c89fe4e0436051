-- Settles an attempt at chunks: all outcomes at once, with what they brought. p_outcomes: [{"id", "outcome": completed |
-- retry | wait | failed | refused, "error", "items", "removed", "chunks", "plan", "state", "prune", "wait"}], all but the first
-- two optional. A chunk of the attempt that is not among them is due again, as if never tried.
-- A retry waits for up to 4 s, then 8 s, doubling up to an hour, at random (full jitter); after max_attempts it has failed.
-- A source that asked for patience gets it from every caller, and its chunk's try does not count, for a day at most.
-- p_claim_next claims the next chunks in the same transaction.
-- Answers {"status": "settled", "completed", "retried", "failed", "left", "again", "again_in", "next"}, where again_in are the
-- seconds until a waiting chunk is due when none is now, and next is the answer of a claim that got chunks, or null; or {"status":
-- "lost", "reason"}: then nothing has changed. Settling again returns the first answer, with again as it is by then, and claims nothing.
-- Raises WK004 for a malformed argument.
-- Locks: shared lock of the marks, attempt, groups, items, sync job, source, limiter, and those of a claim.
create function baton_api.complete_chunk_job_safe(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean default false) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_brings constant boolean := exists (select from jsonb_path_query(p_outcomes, 'strict $[*]', silent => true) as o(given) where baton_api.brings_something(o.given));
  v_settled record;
  v_group_ids uuid[];
  v_result jsonb;
  v_next jsonb;
begin
  v_settled := baton_api.find_attempt(p_attempt_id, v_now);
  if v_settled.answer is not null then
    return v_settled.answer;
  elsif (v_settled.job).name <> 'process-chunks' then
    raise exception 'attempt % belongs to %', p_attempt_id, (v_settled.job).name using errcode = 'WK004';
  end if;
  -- The short way, which most settlements go: everything is done and brought nothing, and there is more.
  if p_claim_next and not v_brings and baton_api.all_done(v_settled.attempt, p_outcomes) then
    v_next := baton_api.go_on(v_settled.job, v_settled.attempt, null, v_now);
    if v_next is not null then
      perform baton_api.store_done(v_settled.job, v_settled.attempt, v_now);
      v_group_ids := baton_api.groups_left((v_settled.attempt).group_ids, v_next);
      if v_group_ids <> '{}' then
        perform baton_api.finish_sync_jobs(v_settled.job, baton_api.lock_touched_groups(v_settled.attempt, v_group_ids, '[]'), v_now);
      end if;
      return baton_api.done_result(cardinality((v_settled.attempt).item_ids))
        || jsonb_build_object('again', true, 'again_in', null, 'next', baton_api.chunks_of(v_next, v_now));
    end if;
  end if;

  v_settled := baton_api.lock_attempt(p_attempt_id, v_now);
  if v_settled.answer is not null then
    return v_settled.answer;
  end if;
  perform baton_api.check_chunk_outcomes(p_outcomes);
  v_group_ids := baton_api.lock_touched_groups(v_settled.attempt, (v_settled.attempt).group_ids, p_outcomes);
  v_result := baton_api.store_outcomes(v_settled.job, v_settled.attempt, p_outcomes, v_now);
  if v_brings then
    perform baton_api.apply_chunk_results(v_settled.job, v_settled.attempt, p_outcomes, v_now);
  end if;
  v_next := baton_api.go_on_or_close(v_settled.job, v_settled.attempt, v_result, p_claim_next, v_now);
  perform baton_api.finish_sync_jobs(v_settled.job, baton_api.groups_left(v_group_ids, v_next), v_now);
  v_result := v_result || baton_api.claim_after(v_settled.job, v_settled.attempt, v_next, p_claim_next, v_now);
  if v_result->'next' <> 'null' then
    return v_result || jsonb_build_object('next', baton_api.chunks_of(v_result->'next', v_now));
  end if;
  return v_result;
end
$$;
comment on function baton_api.complete_chunk_job_safe is 'Settles an attempt at chunks, and claims the next ones if asked to.';
