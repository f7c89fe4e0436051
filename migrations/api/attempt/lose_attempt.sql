-- Closes an attempt that the caller has locked; nothing it brings later will count. Internal.
create function baton_api.lose_attempt(p_attempt baton.attempts, p_reason text, p_now timestamptz) returns void
language plpgsql
as $$
begin
  update baton.attempts a
  set finished_at = p_now, outcome = 'lost', item_ids = '{}', result = jsonb_build_object('status', 'lost', 'reason', p_reason)
  where a.id = p_attempt.id;
  if p_attempt.job in ('follow-up-reminders', 'auto-sync-jobs') then
    perform baton_api.release_messages(p_attempt.id, p_attempt.item_ids::uuid[], true, p_now);
  end if;
  perform baton_api.spend_tokens(p_attempt.job, p_attempt.n_items, p_now);
  perform baton_api.log_run(p_attempt.job, 'lost', p_reason, jsonb_build_object('claimed', p_attempt.n_items),
    p_attempt.trigger, p_attempt.worker, p_attempt.id, p_attempt.claimed_at, p_now);
end
$$;
comment on function baton_api.lose_attempt is 'Closes an attempt whose work no longer counts (internal).';
