-- What every settlement of items does first: finds the attempt whose turn the token names, and locks the marks of its job. `answer` is what to
-- answer when there is nothing to settle: it is lost, or was settled before; else null. Internal. Raises 42501 when the caller is
-- not the job's role, WK006. Locks: the shared lock of the marks.
create function baton_api.find_attempt(p_token uuid, p_now timestamptz, out answer jsonb, out attempt baton.attempts, out job baton.jobs)
language plpgsql
as $$
declare
  v_found record;
  v_turn int;
begin
  perform baton_api.check_isolation();
  select a as attempt, j as job into v_found
  from baton.attempts a join baton.jobs j on j.name = a.job where a.id = any (baton_api.attempt_of(p_token));
  if not found then
    -- A crash of the database took the claim along.
    answer := jsonb_build_object('status', 'lost', 'reason', 'no_such_attempt');
    return;
  end if;
  attempt := v_found.attempt;
  job := v_found.job;
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
comment on function baton_api.find_attempt is 'Finds an attempt that is to be settled, or says why it cannot be (internal).';

-- The same, with the attempt locked. Internal. Locks: attempt, the shared lock of the marks.
create function baton_api.lock_attempt(p_token uuid, p_now timestamptz, out answer jsonb, out attempt baton.attempts, out job baton.jobs)
language plpgsql
as $$
declare
  v_found record;
begin
  perform from baton.attempts a where a.id = any (baton_api.attempt_of(p_token)) for update;
  v_found := baton_api.find_attempt(p_token, p_now);
  answer := v_found.answer;
  attempt := v_found.attempt;
  job := v_found.job;
end
$$;
comment on function baton_api.lock_attempt is 'Finds and locks an attempt that is to be settled (internal).';
