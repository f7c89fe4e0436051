-- admission → pick → lease. p_after: the attempt that the caller settled just now, in this transaction, whose seat and groups the next
-- one keeps; null for a claim by itself. After a settlement, nothing due is no run of its own, and the answer is null. Whatever the
-- statistics say of a queue that was empty a moment ago, it is never read from end to end. Bounded by the job's batch size, limit
-- and parallelism. Internal; see claim_items. Locks: shared lock of the marks, advisory, attempt, ready items, limiter.
create function baton_api.claim_next_items(p_job baton.jobs, p_trigger text, p_worker text, p_after baton.attempts) returns jsonb
language plpgsql
as $$
declare
  v_attempt_id constant uuid := baton.ordered_id();
  v_gate record;
  v_now timestamptz;
  v_picked tid[];
  v_groups uuid[];
  v_items jsonb;
  v_rank bigint;
begin
  -- The marks stay where they are while a claim is under way.
  perform pg_catalog.pg_advisory_xact_lock_shared(p_job.lock_id::int, 0);
  v_gate := baton_api.open_gate(p_job, p_trigger, p_worker, baton_api.mark_at('attempt_mark', p_job.lock_id), p_after.seat);
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;
  -- Not read before the locks: an attempt that seems older than the mark of attempts would be counted by no claim.
  v_now := v_gate.now;
  if p_job.kind = 'rows' then
    perform baton_api.feed_rows(p_job, v_gate.item_limit, v_now);
  end if;
  if p_job.kind = 'groups' then
    v_picked := baton_api.pick_group_items(p_job, v_gate.item_limit, coalesce(p_after.group_ids, '{}'), v_now);
    if v_picked = '{}' and baton_api.has_ready_items(p_job, v_now) then
      return baton_api.decline_run(p_job.name, 'skipped', 'all_sources_busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
    end if;
  else
    v_picked := baton_api.pick_items(p_job, v_gate.item_limit, v_now);
  end if;
  if v_picked = '{}' then
    if p_after.id is not null then
      return null;
    end if;
    return baton_api.decline_run(p_job.name, 'idle', 'nothing_due', baton_api.next_item_due_at(p_job, v_now), p_trigger, p_worker, v_now);
  end if;

  with leased as (
    delete from baton.ready_items r where r.ctid = any (v_picked) returning r.item_id, r.priority, r.rank, r.group_id
  ), opened as (
    insert into baton.attempts (id, job, seat, trigger, worker, item_ids, group_ids, n_items, claimed_at, leased_until)
    select v_attempt_id, p_job.name, v_gate.seat, p_trigger, p_worker, array(select l.item_id::text from leased l),
           array(select distinct l.group_id from leased l where l.group_id is not null), cardinality(v_picked), v_now,
           v_now + p_job.lease_seconds * interval '1 second'
    returning group_ids
  )
  select jsonb_agg(jsonb_build_object('id', i.id, 'attempt', i.attempts + 1, 'max_attempts', p_job.max_attempts, 'key', i.key, 'group', i.group_id, 'data', i.data)
           order by l.priority, l.rank), max(l.rank) filter (where l.priority = 0), (select o.group_ids from opened o)
  into v_items, v_rank, v_groups
  from leased l join baton.items i on i.id = l.item_id;

  if p_job.rate_per_minute is not null then
    perform baton_api.take_tokens(p_job.name, cardinality(v_picked), v_now);
  end if;
  -- A call that no next one follows wakes the one beside it, until all calls that are allowed are under way.
  if p_trigger not in ('tick', 'next') and v_gate.open_attempts + 1 < p_job.max_parallel and baton_api.has_ready_items(p_job, v_now) then
    perform baton.wake(p_job.name);
  end if;
  -- Once in a tenth of a second.
  if v_rank >= baton_api.mark('rank_mark', p_job.lock_id) + 100000 then
    perform baton_api.raise_marks(p_job, v_rank, v_now);
  end if;
  return jsonb_build_object('status', 'claimed', 'attempt_id', v_attempt_id, 'groups', v_groups, 'items', v_items);
end
$$;
comment on function baton_api.claim_next_items is 'Claims the next items of a job (internal).';
