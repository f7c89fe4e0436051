-- Pauses both jobs that send when so many more text messages would exceed the ceiling of an hour, so that a mistake in a table
-- does not become a bill. Whether it did. Internal. Wants the lock (123456792, 0). Locks: jobs.
create function baton_api.hold_at_ceiling(p_ceiling int, p_more bigint, p_now timestamptz) returns boolean
language plpgsql
as $$
begin
  if p_more = 0 or p_more + (
    select count(*) from (
      select from baton.messages m
      where m.channel = 'sms' and m.submitting_at > p_now - interval '1 hour' limit p_ceiling) s) <= p_ceiling
  then
    return false;
  end if;
  perform baton_api.pause_sending(format('the next text messages would exceed hourly_ceiling (%s): look at them, then resume', p_ceiling), p_now);
  insert into baton.events (noun, noun_id, from_state, to_state, who) values ('settings', 'hourly_ceiling', 'below', 'reached', 'baton');
  return true;
end
$$;
comment on function baton_api.hold_at_ceiling is 'Pauses the sending of messages at the ceiling of an hour (internal).';
