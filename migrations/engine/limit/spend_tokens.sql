-- Books the calls of a batch at the end of their possible time, as open_gate booked them at the start.
-- Both together keep every window of one minute within rate + burst: a batch that began before the window
-- cannot be followed inside it by a full bucket. Internal; takes the limiter's row lock.
create function baton_api.spend_tokens(p_job text, p_spent int, p_now timestamptz) returns void
language sql
as $$
  update baton.limiters l
  set tokens = greatest(0, least(baton_api.tokens_at(j, l, p_now), j.rate_burst - p_spent)), refilled_at = p_now
  from baton.jobs j
  where l.job = p_job and j.name = l.job and j.rate_per_minute is not null
$$;
comment on function baton_api.spend_tokens is 'Keeps the token bucket honest about calls made late in a batch (internal).';
