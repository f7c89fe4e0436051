-- Records that a recipient wants no more messages, or wants them again. Messages that wait are not sent from now on.
-- Answers {"status": opted_out | opted_in, "changed"}. Safe to repeat. Raises WK004 for an unknown channel or no address.
create function baton_api.record_opt_out(p_channel text, p_address text, p_out boolean) returns jsonb
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
  if p_out then
    insert into baton.opt_outs (channel, address) values (p_channel, p_address) on conflict do nothing;
  else
    delete from baton.opt_outs o where o.channel = p_channel and o.address = p_address;
  end if;
  get diagnostics v_rows = row_count;
  return jsonb_build_object('status', case when p_out then 'opted_out' else 'opted_in' end, 'changed', v_rows > 0);
end
$$;
comment on function baton_api.record_opt_out is 'Records that a recipient wants no more messages, or wants them again.';
