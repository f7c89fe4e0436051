-- The heartbeat: renews the lease of an open attempt. A lost one is told so and should stop working.
-- A lease past its time that nobody has swept is renewed: refusing it would only cause a duplicate.
-- Safe to repeat. Locks: attempt. Raises WK002 when there is no such attempt.
create function baton_api.extend_attempt(p_attempt_id uuid) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_attempt baton.attempts;
begin
  select a.* into v_attempt from baton.attempts a where a.id = any (baton_api.attempt_of(p_attempt_id)) for update;
  if not found then
    raise exception 'there is no attempt %', p_attempt_id using errcode = 'WK002';
  end if;
  if v_attempt.outcome is null and not exists (
    select from baton.cycles c where c.id = v_attempt.cycle_id and c.status = 'running'
  ) and v_attempt.cycle_id is not null then
    perform baton_api.lose_attempt(v_attempt, 'cycle_stopped', v_now);
    v_attempt.outcome := 'lost';
  end if;
  if v_attempt.outcome is not null then
    return jsonb_build_object('status', v_attempt.outcome);
  end if;
  return jsonb_build_object('status', 'extended', 'leased_until', baton_api.renew_lease(v_attempt.id, v_now));
end
$$;
comment on function baton_api.extend_attempt is 'Renews the lease of an open attempt; says when it is lost.';
