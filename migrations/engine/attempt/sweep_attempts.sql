-- Ends attempts whose lease ran out: death is noticed by silence. Their items are due again at once.
-- Bounded by p_limit; safe to repeat; skips an attempt that is settling right now. Internal.
-- Locks: attempt, what the job's function locks, limiter.
create function baton_api.sweep_attempts(p_job text, p_limit int) returns int
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_attempt baton.attempts;
  v_swept int := 0;
begin
  for v_attempt in
    select a.* from baton.attempts a
    where a.job = p_job and a.finished_at is null and baton_api.is_past(a.leased_until, v_now, interval '5 minutes')
    order by a.leased_until
    limit p_limit
    for update skip locked
  loop
    perform baton_api.lose_attempt(v_attempt, 'lease_expired', v_now);
    v_swept := v_swept + 1;
  end loop;
  return v_swept;
end
$$;
comment on function baton_api.sweep_attempts is 'Ends attempts whose lease ran out (internal).';
