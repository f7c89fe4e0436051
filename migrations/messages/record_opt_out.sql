-- Records that a recipient wants no more messages, or wants them again. Messages that wait are not sent from now on.
-- p_provider_id is the provider's id of the reply that says so, null when an operator does: a reply counts once, because its
-- request stays validly signed for ever. Answers {"status": opted_out | opted_in | repeated, "changed"}. Safe to repeat.
-- Raises WK004 for an unknown channel or no address.
create function baton_api.record_opt_out(p_channel text, p_address text, p_out boolean, p_provider_id text default null) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_rows int;
begin
  perform baton_api.commit_durably();
  if p_channel is null or p_channel not in ('sms', 'email') or coalesce(p_address, '') = '' then
    raise exception 'the channel is sms or email, and the address is not empty' using errcode = 'WK004';
  end if;
  if p_provider_id is not null then
    perform baton_api.forget_refused_callbacks('inbound');
    insert into baton.inbound_messages (provider_id) values (left(p_provider_id, 200)) on conflict do nothing;
    if not found then
      return '{"status": "repeated", "changed": false}';
    end if;
  end if;
  if p_out then
    insert into baton.opt_outs (channel, address) values (p_channel, p_address) on conflict do nothing;
  else
    delete from baton.opt_outs o where o.channel = p_channel and o.address = p_address;
  end if;
  get diagnostics v_rows = row_count;
  if v_rows > 0 then
    insert into baton.events (noun, noun_id, from_state, to_state, who)
    values ('opt_out', p_channel || ' ' || p_address, case when p_out then 'opted_in' else 'opted_out' end,
      case when p_out then 'opted_out' else 'opted_in' end, session_user);
  end if;
  return jsonb_build_object('status', case when p_out then 'opted_out' else 'opted_in' end, 'changed', v_rows > 0);
end
$$;
comment on function baton_api.record_opt_out is 'Records that a recipient wants no more messages, or wants them again.';
