-- Settles an attempt at items: all outcomes at once. p_outcomes: [{"id", "outcome": done | retry | wait | failed, "error",
-- "seconds"}], the last two optional. An item of the attempt that is not among them is due again, as if never tried.
--   done    it is over
--   retry   again after up to 4 s, then 8 s, doubling up to an hour, at random (full jitter); after max_attempts it has failed
--   wait    the other side asked for patience: again after `seconds`, 1 to 3,600, until when the job takes no items; the try does not
--           count during the item's first day
--   failed  for good, until an operator retries it
-- p_claim_next claims the next items in the same transaction.
-- Answers {"status": "settled", "completed", "retried", "failed", "left", "again", "again_in", "next"}, where again_in are the seconds
-- until a waiting item is due when none is now, and next is the answer of a claim that got items, or null; or {"status":
-- "lost", "reason"}: then nothing has changed. Settling again returns the first answer, with again as it is by then, and claims nothing.
-- Raises WK004 for a malformed argument, 42501 when the caller is not the job's role.
-- Locks: shared lock of the marks, attempt, items, limiter, and those of a claim.
create function baton_api.settle_items(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_durability constant text := pg_catalog.current_setting('synchronous_commit');
  v_attempt baton.attempts;
  v_job baton.jobs;
  v_result jsonb;
  v_again jsonb;
  v_next jsonb;
begin
  perform baton_api.check_isolation();
  perform baton_api.check_outcomes(p_outcomes);
  select a.* into v_attempt from baton.attempts a where a.id = p_attempt_id for update;
  if v_attempt.id is null then
    -- A crash of the database took the claim along.
    return jsonb_build_object('status', 'lost', 'reason', 'no_such_attempt');
  end if;
  perform baton_api.check_role(v_attempt.job);
  select j.* into v_job from baton.jobs j where j.name = v_attempt.job;
  if v_job.kind = 'custom' then
    raise exception 'attempt % belongs to %, which has no items', p_attempt_id, v_attempt.job using errcode = 'WK004';
  elsif v_attempt.outcome = 'settled' then
    return v_attempt.result || baton_api.items_again(v_job, v_now) || '{"next": null}';
  elsif v_attempt.outcome is not null then
    return v_attempt.result;
  end if;
  if v_job.kind = 'rows' then
    p_outcomes := baton_api.tell_rows(v_job, v_attempt, p_outcomes);
  end if;
  perform pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  v_result := baton_api.store_outcomes(v_job, v_attempt, p_outcomes, v_now);
  if v_job.rate_per_minute is not null then
    perform baton_api.spend_tokens(v_job.name, v_attempt.n_items, v_now);
  end if;
  v_again := baton_api.items_again(v_job, v_now);
  if p_claim_next and (v_again->>'again')::boolean then
    v_next := baton_api.claim_next_items(v_job.name, 'next', v_attempt.worker);
    -- A claim that is declined does not wait for the disk; a settlement does.
    perform pg_catalog.set_config('synchronous_commit', v_durability, true);
    if v_next->>'status' <> 'claimed' then
      v_next := null;
    end if;
  elsif (v_again->>'again')::boolean and not baton_api.goes_on(v_attempt.trigger) then
    perform baton.wake(v_job.name);
  end if;
  return v_result || v_again || jsonb_build_object('next', v_next);
end
$$;
comment on function baton_api.settle_items is 'Settles an attempt at items, and claims the next ones if asked to.';
