-- Takes back the messages of an attempt that died. Internal. Locks: messages.
create function baton_api.lose_messages(p_attempt baton.attempts, p_reason text, p_now timestamptz) returns void
language plpgsql
as $$
begin
  perform baton_api.release_messages(p_attempt.id, p_attempt.item_ids::uuid[], true, p_now);
end
$$;
comment on function baton_api.lose_messages is 'Takes back the messages of an attempt that died (internal).';
