-- Ends attempts whose lease ran out: death is noticed by silence. Their items are due again at once.
-- Bounded by p_limit; safe to repeat; skips an attempt that is settling right now. Internal.
-- Locks: attempt, item_losses, messages, or chunks and their sync job, limiter.
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
    if p_job = 'process-chunks' then
      perform baton_api.give_back_chunks(array(
        select q.id from baton.chunk_processing_queue q
        where q.id = any (v_attempt.item_ids::uuid[]) and q.attempt_id = v_attempt.id), 'the worker died or fell silent', v_now);
    elsif p_job = 'validate-contacts' then
      insert into baton.item_losses as l (job, item_id, losses)
      select p_job, item_id, 1 from unnest(v_attempt.item_ids) as item_id
      order by item_id
      on conflict (job, item_id) do update set losses = l.losses + 1;
    end if;
    perform baton_api.lose_attempt(v_attempt, 'lease_expired', v_now);
    v_swept := v_swept + 1;
  end loop;
  return v_swept;
end
$$;
comment on function baton_api.sweep_attempts is 'Ends attempts whose lease ran out (internal).';
