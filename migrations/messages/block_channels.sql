-- Blocks the channels that a provider serves for p_seconds, 1 to 3600, whichever job sent: every job of the deployment uses the
-- same account. p_channel is the channel of the message that the provider answered. Internal. Locks: channels.
create function baton_api.block_channels(p_channel text, p_provider text, p_seconds int, p_reason text, p_now timestamptz) returns void
language sql
as $$
  update baton.channels c
  set blocked_until = greatest(case when not baton_api.is_past(c.blocked_until, p_now, interval '1 hour') then c.blocked_until end,
        p_now + least(greatest(p_seconds, 1), 3600) * interval '1 second'),
      blocked_reason = p_reason
  from (
    select o.channel from baton.channels o where o.channel = p_channel or o.provider = p_provider order by o.channel for update
  ) b
  where c.channel = b.channel
$$;
comment on function baton_api.block_channels is 'Blocks the channels that a provider serves (internal).';
