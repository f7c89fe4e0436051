-- A person decides about a message: `delivered` or `failed` for one that is unknown, `failed` also for one that waits, `again`
-- to send one once more that is unknown, failed or undelivered, which only who knows that it did not arrive should do, or to look
-- now at one that is held. `again` takes the recipient that the application has now.
-- For operators. Answers {"id", "status", "recipient", "corrected_from": the recipient before, null where it is the same}.
-- Raises WK002 when there is no such message, WK003 when it cannot become that, WK004 for another word. Locks: message.
create function baton_api.resolve_message(p_message_id uuid, p_resolution text, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_message baton.messages;
  v_recipient text;
  v_status constant text := case p_resolution when 'again' then 'reserved' else p_resolution end;
begin
  perform baton_api.commit_durably();
  if p_resolution is null or p_resolution not in ('delivered', 'failed', 'again') then
    raise exception 'a message is resolved as delivered, failed or again' using errcode = 'WK004';
  end if;
  select m.* into v_message from baton.messages m where m.id = p_message_id for update;
  if not found then
    raise exception 'there is no message %', p_message_id using errcode = 'WK002';
  elsif v_message.attempt_id is not null and v_message.status <> 'unknown' or not (case v_message.status
    when 'unknown' then true when 'reserved' then p_resolution in ('failed', 'again')
    else v_message.status in ('failed', 'undelivered') and p_resolution = 'again' end)
  then
    raise exception 'message % is % and cannot be resolved as %', p_message_id, v_message.status, p_resolution using errcode = 'WK003';
  end if;
  if p_resolution = 'again' then
    perform baton_api.refresh_recipients(v_message.job, array[p_message_id]);
  end if;
  select m.recipient into v_recipient from baton.messages m where m.id = p_message_id;
  if p_resolution = 'again' and v_recipient = '' then
    raise exception 'message % has no recipient: its record has no address, or is gone', p_message_id using errcode = 'WK003',
      hint = 'Enter a phone number or an e-mail address in the record of the recipient.';
  end if;
  update baton.messages m
  set status = v_status, reason = case p_resolution when 'failed' then 'resolved' end, detail = null, attempt_id = null, losses = 0, looks = 0,
      -- Late news of the one before counts, and may spare the recipient the second.
      provider_id = case when p_resolution <> 'again' then m.provider_id end,
      due_at = case p_resolution when 'again' then v_now end,
      expires_at = case p_resolution when 'again' then greatest(m.expires_at, v_now + interval '1 day') else m.expires_at end,
      ended_at = case when p_resolution <> 'again' then v_now end
  where m.id = p_message_id;
  insert into baton.events (noun, noun_id, from_state, to_state, who)
  values ('message', p_message_id::text, v_message.status, v_status, p_who);
  if p_resolution = 'again' then
    perform baton.wake(v_message.job);
  end if;
  return jsonb_build_object('id', p_message_id, 'status', v_status, 'recipient', v_recipient,
    'corrected_from', case when v_recipient <> v_message.recipient and v_message.recipient <> '' then v_message.recipient end);
end
$$;
comment on function baton_api.resolve_message is 'A person decides about a message.';
