-- The end of every settlement of items: {"again", "again_in", "next"}. p_next: the next turn, if the attempt goes on. Else whether to call
-- again, or at once another claim, if the caller wants one; and the job is woken when its caller does not go on by itself.
-- Internal. Locks: those of a claim.
create function baton_api.claim_after(p_job baton.jobs, p_attempt baton.attempts, p_next jsonb, p_claim_next boolean, p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_durability constant text := pg_catalog.current_setting('synchronous_commit');
  v_next jsonb := p_next;
  v_again jsonb;
begin
  if v_next is null and p_claim_next then
    v_next := baton_api.claim_next_items(p_job, 'next', p_attempt.worker, p_attempt);
    -- A claim that is declined does not wait for the disk; a settlement does.
    perform pg_catalog.set_config('synchronous_commit', v_durability, true);
  end if;
  if v_next->>'status' = 'claimed' then
    return jsonb_build_object('again', true, 'again_in', null, 'next', v_next);
  end if;
  v_again := baton_api.items_again(p_job, p_now);
  if not p_claim_next and (v_again->>'again')::boolean and not baton_api.goes_on(p_attempt.trigger) then
    perform baton.wake(p_job.name);
  end if;
  return v_again || '{"next": null}';
end
$$;
comment on function baton_api.claim_after is 'Says what the caller of a settlement does next (internal).';
