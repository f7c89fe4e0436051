-- Settles an attempt at messages: applies the outcomes that submit_messages was not told, takes back the rest, and ends the
-- cycle of reminders when no assignment is due. A run in which the provider refused the account has failed.
-- p_claim_next claims the next messages in the same transaction.
-- Answers {"status": "settled", "submitted", "held", "failed", "unknown", "refused": null or the reason, "again", "again_in", "next"}, where
-- next is the answer of a claim that got messages, or null; or {"status": "lost", "reason"}: then nothing has changed. Settling
-- again returns the first answer, and claims nothing.
-- Raises WK002 when there is no such attempt, WK004 for a malformed argument.
-- Locks: attempt, cycle, messages, opt-outs, channels, limiter, and those of a claim.
create function baton_api.settle_messages(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean default false) returns jsonb
language plpgsql
security definer set search_path = '' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_attempt baton.attempts;
  v_ids uuid[];
  v_cycle_id uuid;
  v_work jsonb;
  v_refused constant text := case when jsonb_path_exists(p_outcomes, '$[*] ? (@.outcome == "refused")') then 'provider_refused' end;
  v_counts jsonb;
  v_result jsonb;
  v_next jsonb;
begin
  perform baton_api.check_isolation();
  perform baton_api.commit_durably();
  if jsonb_typeof(p_outcomes) <> 'array' then
    raise exception 'outcomes are an array' using errcode = 'WK004';
  end if;
  select a.* into v_attempt from baton.attempts a where a.id = p_attempt_id for update;
  if not found then
    raise exception 'there is no attempt %', p_attempt_id using errcode = 'WK002';
  elsif v_attempt.job not in ('follow-up-reminders', 'auto-sync-jobs') then
    raise exception 'attempt % belongs to %', p_attempt_id, v_attempt.job using errcode = 'WK004';
  elsif v_attempt.outcome is not null then
    return v_attempt.result;
  end if;
  v_ids := v_attempt.item_ids::uuid[];
  if v_attempt.job = 'follow-up-reminders' then
    select c.id into v_cycle_id from baton.cycles c where c.job = v_attempt.job and c.status = 'running' for update;
    if not exists (select from baton_api.due_assignments(v_cycle_id, 1)) then
      perform baton_api.finish_cycle(v_cycle_id, v_now);
    end if;
  end if;
  perform baton_api.apply_message_outcomes(v_attempt, p_outcomes, v_now);
  perform baton_api.release_messages(p_attempt_id, v_ids, false, v_now);
  perform baton_api.spend_tokens(v_attempt.job, v_attempt.n_items, v_now);

  select jsonb_build_object(
    'submitted', count(*) filter (where m.status in ('submitted', 'delivered', 'undelivered')), 'held', count(*) filter (where m.status = 'reserved'),
    'failed', count(*) filter (where m.status = 'failed'), 'unknown', count(*) filter (where m.status = 'unknown'))
  into v_counts from baton.messages m where m.id = any (v_ids);
  v_work := baton_api.message_work(v_attempt.job, v_now);
  v_result := jsonb_build_object('status', 'settled', 'refused', v_refused,
    'again', (v_work->>'due')::boolean, 'again_in', extract(epoch from (v_work->>'until')::timestamptz - v_now), 'next', null) || v_counts;
  update baton.attempts a set finished_at = v_now, outcome = 'settled', item_ids = '{}', result = v_result where a.id = p_attempt_id;
  perform baton_api.log_run(v_attempt.job, case when v_refused is null then 'ran' else 'failed' end, v_refused,
    v_counts || jsonb_build_object('claimed', v_attempt.n_items), v_attempt.trigger, v_attempt.worker, p_attempt_id, v_attempt.claimed_at, v_now);
  if p_claim_next and v_refused is null and (v_work->>'due')::boolean then
    v_next := case v_attempt.job when 'follow-up-reminders' then baton_api.claim_reminders('next', v_attempt.worker)
      else baton_api.claim_auto_sync_jobs('next', v_attempt.worker) end;
    if v_next->>'status' = 'claimed' then
      return v_result || jsonb_build_object('next', v_next);
    end if;
    v_work := baton_api.message_work(v_attempt.job, v_now);
    return v_result || jsonb_build_object('again', (v_work->>'due')::boolean, 'again_in', extract(epoch from (v_work->>'until')::timestamptz - v_now));
  end if;
  -- Who goes on by itself is not woken.
  if v_result->>'again' = 'true' and not baton_api.goes_on(v_attempt.trigger) then
    perform baton.wake(v_attempt.job);
  end if;
  return v_result;
end
$$;
comment on function baton_api.settle_messages is 'Settles an attempt at messages.';
