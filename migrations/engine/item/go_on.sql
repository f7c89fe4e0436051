-- The next turn of an attempt, in the transaction that settles the one before: it keeps its seat and takes more. Null when it may not, or
-- nothing is due, and then nothing has changed: it may not when the job was paused, has a limit or another parallelism by now; after
-- a turn of a second, because a claim by itself looks for dead attempts, too; and after 100 turns, because an old snapshot keeps
-- every version of the row, and whoever looks for it reads them all. p_result: what came of the batch, null when all of it is done.
-- Internal. Raises 40001 when the attempt was settled or lost after the caller read it. Locks: those of take_items, attempt.
create function baton_api.go_on(p_job baton.jobs, p_attempt baton.attempts, p_result jsonb, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_taken record;
  v_results jsonb;
begin
  if p_job.paused_at is not null or p_job.rate_per_minute is not null or p_attempt.turns >= 100
     or p_now >= coalesce(p_attempt.turn_at, p_attempt.claimed_at) + interval '1 second'
     or p_attempt.seat > p_job.max_parallel or (p_attempt.seat = 0) <> (p_job.max_parallel = 1)
     -- One that was open before there were turns has no room in its id to count them.
     or p_attempt.id <> baton_api.turn_token(p_attempt.id, 1)
     or exists (select from baton.limiters l where l.job = p_job.name and l.blocked_until > p_now) then
    return null;
  end if;
  v_taken := baton_api.take_items(p_job, p_job.batch_size, p_attempt, p_now);
  if v_taken.item_ids = '{}' then
    return null;
  end if;
  v_results := baton_api.add_results(p_attempt, p_result);
  update baton.attempts a
  set turns = a.turns + 1, turn_at = p_now, item_ids = v_taken.item_ids, group_ids = v_taken.group_ids,
      n_items = a.n_items + cardinality(v_taken.item_ids), leased_until = p_now + p_job.lease_seconds * interval '1 second',
      result = v_results, turn_result = p_result, turn_items = cardinality(p_attempt.item_ids)
  where a.id = p_attempt.id and a.turns = p_attempt.turns and a.outcome is null;
  if not found then
    raise exception 'the attempt was settled or lost meanwhile; settle again to hear which' using errcode = '40001';
  end if;
  return jsonb_build_object('status', 'claimed', 'attempt_id', baton_api.turn_token(p_attempt.id, p_attempt.turns + 1),
    'groups', v_taken.group_ids, 'item_ids', v_taken.item_ids);
end
$$;
comment on function baton_api.go_on is 'The next turn of an attempt (internal).';
