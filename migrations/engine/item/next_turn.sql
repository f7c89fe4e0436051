-- The short way of a settlement that wants more: everything is done, and the attempt goes on with the next items at hand. It asks as
-- little as it can, in few statements, because each costs as much as a row. `token` is null when it may not be gone, and then
-- nothing has changed: then the long way decides. It has to be gone once in 200 ms in any case: it alone ends dead attempts, looks
-- for items that are urgent or waited, for the turns of other groups, and for a provider that asked for patience. And after 100
-- turns, because an old snapshot keeps every version of the attempt's row, and each look for it reads them all.
-- p_kind: queue or groups. Internal; also answers how many items are done. Raises 40001 when the attempt was settled or lost after this read it.
-- Locks: shared lock of the marks, ready items, attempt, items.
create function baton_api.next_turn(
  p_kind text, p_token uuid, p_outcomes jsonb, p_now timestamptz, out token uuid, out item_ids uuid[], out group_id uuid, out max_attempts int, out done int
)
language plpgsql
as $$
declare
  v_turn constant int := ('x' || right(p_token::text, 4))::bit(16)::int + 1;
  v_id constant uuid := baton_api.turn_token(p_token, 1);
  v_attempt record;
  v_job record;
  v_from bigint;
  v_rank bigint;
  v_marks text;
begin
  select a.job, a.turns, a.outcome, a.role, a.seat, a.item_ids, a.group_ids, a.rank, a.result, coalesce(a.turn_at, a.claimed_at) as since
  into v_attempt from baton.attempts a where a.id = v_id;
  if not found or v_attempt.outcome is not null or v_attempt.turns <> v_turn or v_turn >= 100 or p_kind = 'queue' and v_attempt.role is distinct from session_user
     or v_attempt.result is not null or cardinality(v_attempt.group_ids) > 1
     or floor(pg_catalog.date_part('epoch', v_attempt.since) * 5) <> floor(pg_catalog.date_part('epoch', p_now) * 5)
     or not baton_api.all_done(v_attempt.item_ids, p_outcomes) then
    return;
  end if;
  select j.kind, j.lock_id, j.paused_at, j.rate_per_minute, j.max_parallel, j.batch_size, j.lease_seconds, j.max_attempts
  into v_job from baton.jobs j where j.name = v_attempt.job;
  if v_job.kind <> p_kind or v_job.paused_at is not null or v_job.rate_per_minute is not null
     or v_attempt.seat > v_job.max_parallel or (v_attempt.seat = 0) <> (v_job.max_parallel = 1) then
    return;
  end if;
  v_marks := pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  -- What became ready behind it meanwhile, because a claim failed or a writer was slow, is for the long way.
  v_from := greatest(v_attempt.rank + 1, baton_api.mark('rank_mark', v_job.lock_id));
  group_id := v_attempt.group_ids[1];

  if p_kind = 'groups' then
    with picked as materialized (
      select r.ctid as tid from baton.ready_items r
      where r.group_id = next_turn.group_id and r.run_at is null and r.rank >= v_from
        and exists (select from baton.item_groups g where g.id = next_turn.group_id and g.state = 'open' and (g.blocked_until is null or g.blocked_until <= p_now))
      order by r.rank limit v_job.batch_size for update skip locked
    ), taken as (
      delete from baton.ready_items r using picked p where r.ctid = p.tid returning r.item_id, r.rank
    )
    select array_agg(t.item_id order by t.rank), max(t.rank) into item_ids, v_rank from taken t;
  else
    with picked as materialized (
      select r.ctid as tid from baton.ready_items r
      where r.job = v_attempt.job and r.priority = 0 and r.run_at is null and r.rank >= v_from
      order by r.rank limit v_job.batch_size for update skip locked
    ), taken as (
      delete from baton.ready_items r using picked p where r.ctid = p.tid returning r.item_id, r.rank
    )
    select array_agg(t.item_id order by t.rank), max(t.rank) into item_ids, v_rank from taken t;
  end if;
  if item_ids is null then
    return;
  end if;
  update baton.attempts a
  set turns = a.turns + 1, turn_at = p_now, item_ids = next_turn.item_ids::text[], n_items = a.n_items + cardinality(next_turn.item_ids),
      leased_until = p_now + v_job.lease_seconds * interval '1 second', rank = v_rank, turn_result = null,
      turn_items = cardinality(v_attempt.item_ids)
  where a.id = v_id and a.turns = v_turn and a.outcome is null;
  if not found then
    raise exception 'the attempt was settled or lost meanwhile; settle again to hear which' using errcode = '40001';
  end if;
  perform baton_api.store_done(p_kind, v_attempt.job, v_id, v_attempt.item_ids, v_attempt.since, p_now);
  token := baton_api.turn_token(v_id, v_turn + 1);
  max_attempts := v_job.max_attempts;
  done := cardinality(v_attempt.item_ids);
end
$$;
comment on function baton_api.next_turn is 'The short way of a settlement that wants more (internal).';
