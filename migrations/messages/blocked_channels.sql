-- The channels whose provider gets no request now, which provider, until when, and why. Internal.
create function baton_api.blocked_channels(p_now timestamptz) returns table (channel text, provider text, blocked_until timestamptz, reason text)
language sql stable
as $$
  select c.channel, c.provider, c.blocked_until, c.blocked_reason from baton.channels c
  where c.blocked_until > p_now and not baton_api.is_past(c.blocked_until, p_now, interval '1 hour')
$$;
comment on function baton_api.blocked_channels is 'The channels whose provider gets no request now (internal).';
