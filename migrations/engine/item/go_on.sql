-- What every settlement of items does after it, on the long way: the next turn of the attempt, which keeps its seat and takes more; or the
-- attempt is closed, and `token` is null. p_result: what came of the batch; p_more: whether the caller wants more. The attempt
-- ends when nothing is due, when the job was paused, has a limit or another parallelism by now; after a turn of a second, because a
-- claim by itself looks for dead attempts, too; and after 100 turns (see next_turn). Internal. Locks: those of take_items, limiter.
create function baton_api.go_on(
  p_job baton.jobs, p_attempt baton.attempts, p_result jsonb, p_more boolean, p_now timestamptz,
  out token uuid, out item_ids text[], out group_ids uuid[], out again jsonb
)
language plpgsql
as $$
declare
  v_taken record;
begin
  if p_more and p_job.paused_at is null and p_job.rate_per_minute is null and p_attempt.turns < 100
     and p_now < coalesce(p_attempt.turn_at, p_attempt.claimed_at) + interval '1 second'
     and p_attempt.seat <= p_job.max_parallel and (p_attempt.seat = 0) = (p_job.max_parallel = 1)
     -- One that was open before there were turns has no room in its id to count them.
     and p_attempt.id = baton_api.turn_token(p_attempt.id, 1)
     and not exists (select from baton.limiters l where l.job = p_job.name and l.blocked_until > p_now) then
    v_taken := baton_api.take_items(p_job, p_job.batch_size, p_attempt, p_now);
    if v_taken.item_ids <> '{}' then
      update baton.attempts a
      set turns = a.turns + 1, turn_at = p_now, item_ids = v_taken.item_ids, group_ids = v_taken.group_ids, rank = v_taken.rank,
          n_items = a.n_items + cardinality(v_taken.item_ids), leased_until = p_now + p_job.lease_seconds * interval '1 second',
          result = baton_api.add_results(p_attempt, p_result), turn_result = p_result, turn_items = cardinality(a.item_ids), told = null
      where a.id = p_attempt.id;
      token := baton_api.turn_token(p_attempt.id, p_attempt.turns + 1);
      item_ids := v_taken.item_ids;
      group_ids := v_taken.group_ids;
      again := '{"again": true, "again_in": null}';
      return;
    end if;
  end if;
  update baton.attempts a
  set finished_at = p_now, outcome = 'settled', item_ids = '{}', result = coalesce(baton_api.add_results(p_attempt, p_result), baton_api.done_result(a.n_items)), turn_result = p_result
  where a.id = p_attempt.id;
  if p_job.rate_per_minute is not null then
    perform baton_api.spend_tokens(p_job.name, cardinality(p_attempt.item_ids), p_now);
  end if;
end
$$;
comment on function baton_api.go_on is 'The next turn of an attempt, or its end (internal).';
