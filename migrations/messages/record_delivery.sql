-- Records what a provider tells of a message by itself: {"status": submitted | delivered | undelivered | failed, "reason",
-- "detail"}. What it tells counts even of a message that was to be sent again, or whose sender never heard. Late and
-- repeated news changes nothing. Answers {"status": recorded | ignored}. Raises WK002 when there is no such message,
-- WK004 for a malformed argument. Locks: message.
create function baton_api.record_delivery(p_message_id uuid, p_provider_id text, p_delivery jsonb) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_status constant text := p_delivery->>'status';
  v_message baton.messages;
begin
  perform baton_api.commit_durably();
  perform baton_api.forget_refused_callbacks('status');
  if v_status is null or v_status not in ('submitted', 'delivered', 'undelivered', 'failed') then
    raise exception 'a delivery is submitted, delivered, undelivered or failed' using errcode = 'WK004';
  end if;
  select m.* into v_message from baton.messages m where m.id = p_message_id for update;
  if not found then
    raise exception 'there is no message %', p_message_id using errcode = 'WK002';
  elsif v_message.provider_id <> p_provider_id or v_message.status = v_status
    or v_message.status in ('delivered', 'failed') or v_message.status = 'undelivered' and v_status <> 'delivered'
  then
    return '{"status": "ignored"}';
  end if;
  update baton.messages m
  set status = v_status, provider_id = p_provider_id, reason = p_delivery->>'reason', detail = left(p_delivery->>'detail', 500),
      attempt_id = null, due_at = null, submitted_at = coalesce(m.submitted_at, v_now),
      ended_at = case when v_status <> 'submitted' then v_now end
  where m.id = p_message_id;
  if p_delivery->>'reason' = 'opted_out' and v_message.address is not null then
    insert into baton.opt_outs (channel, address, opted_out_at) values (v_message.channel, v_message.address, v_now) on conflict do nothing;
  end if;
  return '{"status": "recorded"}';
end
$$;
comment on function baton_api.record_delivery is 'Records what a provider tells of a message.';
