-- The next turn of an attempt whose batch the caller stored, if it wants more (p_more) and there may be one; else closes the attempt, and the
-- answer is null. p_result: what came of the batch. Internal. Locks: those of go_on, limiter.
create function baton_api.go_on_or_close(p_job baton.jobs, p_attempt baton.attempts, p_result jsonb, p_more boolean, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_next jsonb;
begin
  if p_more then
    v_next := baton_api.go_on(p_job, p_attempt, p_result, p_now);
  end if;
  if v_next is null then
    update baton.attempts a
    set finished_at = p_now, outcome = 'settled', item_ids = '{}', result = baton_api.add_results(p_attempt, p_result), turn_result = p_result
    where a.id = p_attempt.id;
    if p_job.rate_per_minute is not null then
      perform baton_api.spend_tokens(p_job.name, cardinality(p_attempt.item_ids), p_now);
    end if;
  end if;
  return v_next;
end
$$;
comment on function baton_api.go_on_or_close is 'The next turn of an attempt, or its end (internal).';
