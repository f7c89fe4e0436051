-- What every settlement of items does last: says whether to go on, claims the next items in the same transaction if asked to, and wakes
-- the job when its caller does not go on by itself: {"again", "again_in", "next"}. Internal. Locks: limiter, and those of a claim.
create function baton_api.claim_after(p_job baton.jobs, p_attempt baton.attempts, p_claim_next boolean, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_durability constant text := pg_catalog.current_setting('synchronous_commit');
  v_again jsonb;
  v_next jsonb;
begin
  if p_job.rate_per_minute is not null then
    perform baton_api.spend_tokens(p_job.name, p_attempt.n_items, p_now);
  end if;
  if p_claim_next then
    v_next := baton_api.claim_next_items(p_job, 'next', p_attempt.worker, p_attempt);
    -- A claim that is declined does not wait for the disk; a settlement does.
    perform pg_catalog.set_config('synchronous_commit', v_durability, true);
    if v_next->>'status' = 'claimed' then
      return jsonb_build_object('again', true, 'again_in', null, 'next', v_next);
    end if;
  end if;
  v_again := baton_api.items_again(p_job, p_now);
  if not p_claim_next and (v_again->>'again')::boolean and not baton_api.goes_on(p_attempt.trigger) then
    perform baton.wake(p_job.name);
  end if;
  return v_again || '{"next": null}';
end
$$;
comment on function baton_api.claim_after is 'Says whether to go on after a settlement, and claims the next items (internal).';
