-- Settles an attempt at chunks: all outcomes at once, with what they brought. p_outcomes: [{"id", "outcome": completed |
-- retry | wait | failed | refused, "error", "items", "removed", "chunks", "plan", "state", "prune", "wait"}], all but the first
-- two optional; or "completed", of all chunks of the batch. A chunk of the attempt that is not among them is due again, as if never tried.
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
security definer set search_path = ''
as $$
begin
  return baton_api.settle_chunks_as_text(p_attempt_id, p_outcomes, p_claim_next, false)::jsonb;
end
$$;
comment on function baton_api.complete_chunk_job_safe is 'Settles an attempt at chunks, and claims the next ones if asked to.';

-- complete_chunk_job_safe, whose answer is text: to read it as jsonb costs a tenth of a settlement. p_remembers: the caller keeps the
-- `jobs` of earlier answers to this attempt, so that they are left out while they are the same.
create function baton_api.settle_chunks_as_text(p_attempt_id uuid, p_outcomes jsonb, p_claim_next boolean, p_remembers boolean) returns text
language plpgsql
security definer set search_path = '' set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_brings boolean;
  v_turn record;
  v_settled record;
  v_group_ids uuid[];
  v_group_id uuid;
  v_result jsonb;
  v_next record;
begin
  perform baton_api.check_isolation();
  v_brings := case when jsonb_typeof(p_outcomes) is distinct from 'array' then false
    when jsonb_array_length(p_outcomes) = 1 then baton_api.brings_something(p_outcomes->0)
    else exists (select from jsonb_array_elements(p_outcomes) as o(given) where baton_api.brings_something(o.given)) end;
  if p_claim_next and not v_brings then
    v_turn := baton_api.next_turn('groups', p_attempt_id, p_outcomes, v_now);
    if v_turn.token is not null then
      return '{"status": "settled", "completed": ' || v_turn.done || ', "retried": 0, "failed": 0, "left": 0, "again": true, "again_in": null, "next": '
        || baton_api.chunks_of(v_turn.token, v_turn.item_ids, case when not (v_turn.knows and p_remembers) then array[v_turn.group_id] end, v_now) || '}';
    end if;
  end if;

  v_settled := baton_api.lock_attempt(p_attempt_id, v_now);
  if v_settled.answer is not null then
    return v_settled.answer::text;
  elsif (v_settled.job).name <> 'process-chunks' then
    raise exception 'attempt % belongs to %', p_attempt_id, (v_settled.job).name using errcode = 'WK004';
  end if;
  perform baton_api.check_chunk_outcomes(p_outcomes);
  v_group_ids := (v_settled.attempt).group_ids;
  -- What chunks brought is written under the locks of their groups; whether a group has ended is known only after the next turn is.
  if v_brings then
    v_group_ids := baton_api.lock_touched_groups(v_settled.attempt, v_group_ids, p_outcomes);
  end if;
  v_result := baton_api.store_outcomes(v_settled.job, v_settled.attempt, p_outcomes, v_now);
  if v_brings then
    perform baton_api.apply_chunk_results(v_settled.job, v_settled.attempt, p_outcomes, v_now);
  end if;
  v_next := baton_api.go_on(v_settled.job, v_settled.attempt, v_result, p_claim_next, v_now);
  -- A group of which the next turn has a chunk has not ended.
  v_group_ids := array(select g.id from unnest(v_group_ids) as g(id) where v_next.token is null or g.id <> all (v_next.group_ids));
  if not v_brings and v_group_ids <> '{}' then
    v_group_ids := baton_api.lock_touched_groups(v_settled.attempt, v_group_ids, '[]');
  end if;
  foreach v_group_id in array v_group_ids loop
    perform baton_api.finish_sync_job(v_settled.job, v_group_id, v_now);
  end loop;
  if v_next.token is null then
    v_next := baton_api.claim_after(v_settled.job, v_settled.attempt, p_claim_next, v_now);
  end if;
  return left((v_result || v_next.again)::text, -1) || ', "next": '
    || case when v_next.token is null then 'null' else baton_api.chunks_of(v_next.token, v_next.item_ids, v_next.group_ids, v_now) end || '}';
end
$$;
comment on function baton_api.settle_chunks_as_text is 'Settles an attempt at chunks, with the answer as text.';
