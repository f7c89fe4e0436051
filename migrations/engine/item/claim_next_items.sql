-- admission → take → lease: {"status": "claimed", "attempt_id", "groups", "item_ids"}, or why not. p_after: the attempt that the caller closed just now, in this transaction, whose groups the next one goes on
-- with; null for a claim by itself. After a settlement, nothing due is no run of its own, and the answer is null. Bounded by the
-- job's batch size, limit and parallelism. Internal; see claim_items. Locks: shared lock of the marks, advisory, attempt, ready
-- items, limiter.
create function baton_api.claim_next_items(p_job baton.jobs, p_trigger text, p_worker text, p_after baton.attempts) returns jsonb
language plpgsql
as $$
declare
  v_attempt_id constant uuid := baton_api.turn_token(baton.ordered_id(), 1);
  v_gate record;
  v_now timestamptz;
  v_taken record;
begin
  -- The marks stay where they are while a claim is under way.
  perform pg_catalog.pg_advisory_xact_lock_shared(p_job.lock_id::int, 0);
  v_gate := baton_api.open_gate(p_job, p_trigger, p_worker, baton_api.mark_at('attempt_mark', p_job.lock_id));
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;
  -- Not read before the locks: an attempt that seems older than the mark of attempts would be counted by no claim.
  v_now := v_gate.now;
  v_taken := baton_api.take_items(p_job, v_gate.item_limit, p_after, v_now);
  if v_taken.item_ids = '{}' then
    if p_job.kind = 'groups' and baton_api.has_ready_items(p_job, v_now) then
      return baton_api.decline_run(p_job.name, 'skipped', 'all_sources_busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
    elsif p_after.id is not null then
      return null;
    end if;
    return baton_api.decline_run(p_job.name, 'idle', 'nothing_due', baton_api.next_item_due_at(p_job, v_now), p_trigger, p_worker, v_now);
  end if;
  insert into baton.attempts (id, job, seat, trigger, worker, item_ids, group_ids, n_items, claimed_at, leased_until, role, rank)
  values (v_attempt_id, p_job.name, v_gate.seat, p_trigger, p_worker, v_taken.item_ids, v_taken.group_ids, cardinality(v_taken.item_ids), v_now,
    v_now + p_job.lease_seconds * interval '1 second',
    case when p_job.kind = 'queue' then session_user end, v_taken.rank);
  if p_job.rate_per_minute is not null then
    perform baton_api.take_tokens(p_job.name, cardinality(v_taken.item_ids), v_now);
  end if;
  -- A call that no next one follows wakes the one beside it, until all calls that are allowed are under way.
  if p_trigger not in ('tick', 'next') and v_gate.open_attempts + 1 < p_job.max_parallel and baton_api.has_ready_items(p_job, v_now) then
    perform baton.wake(p_job.name);
  end if;
  return jsonb_build_object('status', 'claimed', 'attempt_id', v_attempt_id, 'groups', v_taken.group_ids, 'item_ids', v_taken.item_ids);
end
$$;
comment on function baton_api.claim_next_items is 'Claims the next items of a job (internal).';
