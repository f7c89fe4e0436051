-- The short way of a settlement that wants more: everything is done, and the attempt goes on with the next items at hand. It asks as
-- little as it can, in few statements, because each costs as much as a row. `token` is null when it may not be gone, and then
-- nothing has changed: then the long way decides. It has to be gone once in 200 ms in any case: it alone ends dead attempts, looks
-- for items that are urgent or waited, for the turns of other groups, and for a provider that asked for patience. And after 100
-- turns, because an old snapshot keeps every version of the attempt's row, and each look for it reads them all.
-- p_kind: queue or groups. Internal; also answers how many items are done, and whether the caller knows already what the items of the
-- group have in common. Raises 40001 when the attempt was settled or lost after this read it.
-- Locks: shared lock of the marks, ready items, attempt, items.
create function baton_api.next_turn(
  p_kind text, p_token uuid, p_outcomes jsonb, p_now timestamptz,
  out token uuid, out item_ids text[], out group_id uuid, out max_attempts int, out done int, out knows boolean
)
language plpgsql
as $$
declare
  v_turn constant int := ('x' || right(p_token::text, 4))::bit(16)::int + 1;
  v_id constant uuid := baton_api.turn_token(p_token, 1);
  v record;
  v_tid tid;
  v_item_id text;
  v_rank bigint;
  v_changes int;
  v_marks text;
begin
  select a.job, a.turns, a.outcome, a.role, a.seat, a.item_ids, a.group_ids, a.rank, a.result, a.told, coalesce(a.turn_at, a.claimed_at) as since,
         j.kind, j.lock_id, j.async_turns, j.paused_at, j.rate_per_minute, j.max_parallel, j.batch_size, j.lease_seconds, j.max_attempts
  into v from baton.attempts a join baton.jobs j on j.name = a.job where a.id = v_id;
  if not found or v.outcome is not null or v.turns <> v_turn or v_turn >= 100 or p_kind = 'queue' and v.role is distinct from session_user
     or v.result is not null or cardinality(v.group_ids) > 1 or v.rank is null
     or floor(pg_catalog.date_part('epoch', v.since) * 5) <> floor(pg_catalog.date_part('epoch', p_now) * 5)
     or v.kind <> p_kind or v.paused_at is not null or v.rate_per_minute is not null
     or v.seat > v.max_parallel or (v.seat = 0) <> (v.max_parallel = 1)
     or not baton_api.all_done(v.item_ids, p_outcomes) then
    return;
  end if;
  v_marks := pg_catalog.pg_advisory_xact_lock_shared(v.lock_id::int, 0);
  group_id := v.group_ids[1];

  -- It looks behind what it took last: what became ready before that meanwhile, because a claim failed or a writer was slow, is for the
  -- long way. So is what another transaction has locked (xmax), even if it rolled back: to try its lock costs more than to take a free one.
  -- One item alone is taken by plain statements, which cost half.
  if p_kind = 'groups' and v.batch_size = 1 then
    select l.tid, g.changes into v_tid, v_changes
    from baton.item_groups g
    cross join lateral (
      select r.ctid as tid from baton.ready_items r
      where r.group_id = g.id and r.run_at is null and r.rank > v.rank and r.xmax = '0'::xid
      order by r.rank limit 1 for update skip locked) l
    where g.id = next_turn.group_id and g.state = 'open' and (g.blocked_until is null or g.blocked_until <= p_now);
  elsif p_kind = 'groups' then
    with picked as materialized (
      select l.tid, g.changes
      from baton.item_groups g
      cross join lateral (
        select r.ctid as tid from baton.ready_items r
        where r.group_id = g.id and r.run_at is null and r.rank > v.rank and r.xmax = '0'::xid
        order by r.rank limit v.batch_size for update skip locked) l
      where g.id = next_turn.group_id and g.state = 'open' and (g.blocked_until is null or g.blocked_until <= p_now)
    ), taken as (
      delete from baton.ready_items r using picked p where r.ctid = p.tid returning r.item_id, r.rank, p.changes
    )
    select array_agg(t.item_id::text order by t.rank), max(t.rank), max(t.changes) into item_ids, v_rank, v_changes from taken t;
  elsif v.batch_size = 1 then
    select r.ctid into v_tid from baton.ready_items r
    where r.job = v.job and r.priority = 0 and r.run_at is null and r.rank > v.rank and r.xmax = '0'::xid
    order by r.rank limit 1 for update skip locked;
  else
    with picked as materialized (
      select r.ctid as tid from baton.ready_items r
      where r.job = v.job and r.priority = 0 and r.run_at is null and r.rank > v.rank and r.xmax = '0'::xid
      order by r.rank limit v.batch_size for update skip locked
    ), taken as (
      delete from baton.ready_items r using picked p where r.ctid = p.tid returning r.item_id, r.rank
    )
    select array_agg(t.item_id::text order by t.rank), max(t.rank) into item_ids, v_rank from taken t;
  end if;
  if v_tid is not null then
    delete from baton.ready_items r where r.ctid = v_tid returning r.item_id, r.rank into v_item_id, v_rank;
    item_ids := array[v_item_id];
  end if;
  if item_ids is null then
    return;
  end if;
  -- The settlement that ends the attempt waits for the disk, and with it for all turns before.
  if v.async_turns then
    perform pg_catalog.set_config('synchronous_commit', 'off', true);
  end if;
  done := cardinality(v.item_ids);
  update baton.attempts a
  set turns = v_turn + 1, turn_at = p_now, item_ids = next_turn.item_ids, n_items = a.n_items + cardinality(next_turn.item_ids),
      leased_until = p_now + v.lease_seconds * interval '1 second', rank = v_rank, turn_result = null, turn_items = next_turn.done, told = v_changes
  where a.id = v_id and a.turns = v_turn and a.outcome is null;
  if not found then
    raise exception 'the attempt was settled or lost meanwhile; settle again to hear which' using errcode = '40001';
  end if;
  perform baton_api.store_done(p_kind, v.job, v_id, v.item_ids, v.since, p_now);
  token := baton_api.turn_token(v_id, v_turn + 1);
  max_attempts := v.max_attempts;
  knows := coalesce(v.told = v_changes, false);
end
$$;
comment on function baton_api.next_turn is 'The short way of a settlement that wants more (internal).';
