-- admission → pick → lease. p_held: the groups of the attempt that the caller settled just now, in this transaction. Whatever the statistics say of a queue that was empty a moment ago, it is never read from end to
-- end. Bounded by the job's batch size, limit and parallelism. Internal; see claim_items.
-- Locks: shared lock of the marks, advisory, attempt, ready items, limiter.
create function baton_api.claim_next_items(p_job text, p_trigger text, p_worker text, p_held uuid[]) returns jsonb
language plpgsql
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_attempt_id constant uuid := baton.ordered_id();
  v_job baton.jobs;
  v_gate record;
  v_now timestamptz;
  v_picked tid[];
  v_items jsonb;
  v_rank bigint;
begin
  select j.* into v_job from baton.jobs j where j.name = p_job;
  -- The marks stay where they are while a claim is under way.
  perform pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  v_gate := baton_api.open_gate(p_job, p_trigger, p_worker, baton_api.mark_at('attempt_mark', v_job.lock_id));
  if v_gate.declined is not null then
    return v_gate.declined;
  end if;
  -- Not read before the locks: an attempt that seems older than the mark of attempts would be counted by no claim.
  v_now := v_gate.now;
  if v_job.kind = 'rows' then
    perform baton_api.feed_rows(v_job, v_gate.item_limit, v_now);
  end if;
  if v_job.kind = 'groups' then
    v_picked := baton_api.pick_group_items(v_job, v_gate.item_limit, p_held, v_now);
    if v_picked = '{}' and baton_api.has_ready_items(v_job, v_now) then
      return baton_api.decline_run(p_job, 'skipped', 'all_sources_busy', v_now + interval '1 second', p_trigger, p_worker, v_now);
    end if;
  else
    v_picked := baton_api.pick_items(v_job, v_gate.item_limit, v_now);
  end if;
  if v_picked = '{}' then
    return baton_api.decline_run(p_job, 'idle', 'nothing_due', baton_api.next_item_due_at(v_job, v_now), p_trigger, p_worker, v_now);
  end if;

  with leased as (
    delete from baton.ready_items r where r.ctid = any (v_picked) returning r.item_id, r.priority, r.rank, r.group_id
  ), opened as (
    insert into baton.attempts (id, job, seat, trigger, worker, item_ids, group_ids, n_items, claimed_at, leased_until)
    select v_attempt_id, p_job, v_gate.seat, p_trigger, p_worker, array(select l.item_id::text from leased l),
           array(select distinct l.group_id from leased l where l.group_id is not null), cardinality(v_picked), v_now,
           v_now + v_job.lease_seconds * interval '1 second'
  )
  select jsonb_agg(jsonb_build_object('id', i.id, 'attempt', i.attempts + 1, 'max_attempts', v_job.max_attempts, 'key', i.key, 'group', i.group_id, 'data', i.data)
           order by l.priority, l.rank), max(l.rank) filter (where l.priority = 0)
  into v_items, v_rank
  from leased l join baton.items i on i.id = l.item_id;

  if v_job.rate_per_minute is not null then
    perform baton_api.take_tokens(p_job, cardinality(v_picked), v_now);
  end if;
  -- A call that no next one follows wakes the one beside it, until all calls that are allowed are under way.
  if p_trigger not in ('tick', 'next') and v_gate.open_attempts + 1 < v_job.max_parallel and baton_api.has_ready_items(v_job, v_now) then
    perform baton.wake(p_job);
  end if;
  -- Once in a tenth of a second.
  if v_rank >= baton_api.mark('rank_mark', v_job.lock_id) + 100000 then
    perform baton_api.raise_marks(v_job, v_rank, v_now);
  end if;
  return jsonb_build_object('status', 'claimed', 'attempt_id', v_attempt_id, 'items', v_items);
end
$$;
comment on function baton_api.claim_next_items is 'Claims the next items of a job (internal).';
