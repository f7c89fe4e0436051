-- What every settlement of items does first, on the long way: locks the attempt whose turn the token names, and the marks of its job. `answer`
-- is what to answer when there is nothing to settle: it is lost, or was settled before; else null. Internal. Raises 42501 when the
-- caller is not the job's role. Locks: attempt, the shared lock of the marks.
create function baton_api.lock_attempt(p_token uuid, p_now timestamptz, out answer jsonb, out attempt baton.attempts, out job baton.jobs)
language plpgsql
as $$
declare
  v_turn int;
begin
  select a.* into attempt from baton.attempts a where a.id = any (baton_api.attempt_of(p_token)) for update;
  if attempt.id is null then
    -- A crash of the database took the claim along.
    answer := jsonb_build_object('status', 'lost', 'reason', 'no_such_attempt');
    return;
  end if;
  select j.* into job from baton.jobs j where j.name = attempt.job;
  v_turn := case when attempt.id = p_token then 1 else ('x' || right(p_token::text, 4))::bit(16)::int + 1 end;
  -- A settlement of its own may be called by the job's role alone.
  if job.kind in ('queue', 'rows') then
    perform baton_api.check_role(job.name);
  end if;
  if attempt.outcome is null and v_turn = attempt.turns then
    perform pg_catalog.pg_advisory_xact_lock_shared(job.lock_id::int, 0);
  elsif attempt.outcome = 'settled' and v_turn = attempt.turns or v_turn = attempt.turns - 1 then
    answer := coalesce(attempt.turn_result, baton_api.done_result(attempt.turn_items)) || baton_api.items_again(job, p_now) || '{"next": null}';
  else
    answer := jsonb_build_object('status', 'lost', 'reason', coalesce(attempt.result->>'reason', 'settled_before'));
  end if;
end
$$;
comment on function baton_api.lock_attempt is 'Locks an attempt that is to be settled, or says why it cannot be (internal).';
