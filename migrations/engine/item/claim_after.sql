-- The end of a settlement of items that closed its attempt: another claim, if the caller wants one, else `token` is null; and
-- {"again", "again_in"}. The job is woken when its caller does not go on by itself. Internal. Locks: those of a claim.
create function baton_api.claim_after(
  p_job baton.jobs, p_attempt baton.attempts, p_claim_next boolean, p_now timestamptz,
  out token uuid, out item_ids text[], out group_ids uuid[], out again jsonb
)
language plpgsql
as $$
declare
  v_durability constant text := pg_catalog.current_setting('synchronous_commit');
  v_claimed jsonb;
begin
  if p_claim_next then
    v_claimed := baton_api.claim_next_items(p_job, 'next', p_attempt.worker, p_attempt);
    -- A claim that is declined does not wait for the disk; a settlement does.
    perform pg_catalog.set_config('synchronous_commit', v_durability, true);
  end if;
  if v_claimed->>'status' = 'claimed' then
    token := v_claimed->>'attempt_id';
    item_ids := array(select jsonb_array_elements_text(v_claimed->'item_ids'));
    group_ids := baton_api.uuids(v_claimed->'groups');
    again := '{"again": true, "again_in": null}';
    return;
  end if;
  again := baton_api.items_again(p_job, p_now);
  if not p_claim_next and (again->>'again')::boolean and not baton_api.goes_on(p_attempt.trigger) then
    perform baton.wake(p_job.name);
  end if;
end
$$;
comment on function baton_api.claim_after is 'Says what the caller of a settlement does next (internal).';
