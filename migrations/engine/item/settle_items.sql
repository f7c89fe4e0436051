-- Settles an attempt at items: all outcomes at once. p_outcomes: [{"id", "outcome": done | retry | wait | failed, "error",
-- "seconds"}], the last two optional; or "done", of all items of the batch. An item of the attempt that is not among them is due
-- again, as if never tried.
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
security definer set search_path = ''
as $$
begin
  return baton_api.settle_items_as_text(p_attempt_id, p_outcomes, p_claim_next)::jsonb;
end
$$;
comment on function baton_api.settle_items is 'Settles an attempt at items, and claims the next ones if asked to.';

-- settle_items, whose answer is text: to read it as jsonb costs a tenth of a settlement.
create function baton_api.settle_items_as_text(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean) returns text
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_turn record;
  v_settled record;
  v_result jsonb;
  v_next record;
begin
  perform baton_api.check_isolation();
  if p_claim_next then
    v_turn := baton_api.next_turn('queue', p_attempt_id, p_outcomes, v_now);
    if v_turn.token is not null then
      return '{"status": "settled", "completed": ' || v_turn.done || ', "retried": 0, "failed": 0, "left": 0, "again": true, "again_in": null, "next": '
        || baton_api.items_of(v_turn.token, v_turn.item_ids, v_turn.max_attempts) || '}';
    end if;
  end if;

  v_settled := baton_api.lock_attempt(p_attempt_id, v_now);
  if v_settled.answer is not null then
    return v_settled.answer::text;
  elsif (v_settled.job).kind not in ('queue', 'rows') then
    raise exception 'attempt % belongs to %, which has a settlement of its own', p_attempt_id, (v_settled.job).name using errcode = 'WK004';
  end if;
  perform baton_api.check_outcomes(p_outcomes);
  if (v_settled.job).kind = 'rows' then
    p_outcomes := baton_api.tell_rows(v_settled.job, v_settled.attempt, baton_api.each_outcome((v_settled.attempt).item_ids, p_outcomes));
  end if;
  v_result := baton_api.store_outcomes(v_settled.job, v_settled.attempt, p_outcomes, v_now);
  v_next := baton_api.go_on(v_settled.job, v_settled.attempt, v_result, p_claim_next, v_now);
  if v_next.token is null then
    v_next := baton_api.claim_after(v_settled.job, v_settled.attempt, p_claim_next, v_now);
  end if;
  return left((v_result || v_next.again)::text, -1) || ', "next": '
    || case when v_next.token is null then 'null' else baton_api.items_of(v_next.token, v_next.item_ids, (v_settled.job).max_attempts) end || '}';
end
$$;
comment on function baton_api.settle_items_as_text is 'Settles an attempt at items, with the answer as text.';
