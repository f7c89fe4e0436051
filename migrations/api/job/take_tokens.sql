-- Takes tokens for items about to be started. Internal; only the holder of the job's advisory lock calls it.
create function baton_api.take_tokens(p_job text, p_items int, p_now timestamptz) returns void
language sql
as $$
  update baton.limiters l
  set tokens = greatest(0, least(j.rate_burst,
        l.tokens + extract(epoch from p_now - l.refilled_at) * j.rate_per_minute / 60.0) - p_items),
      refilled_at = p_now
  from baton.jobs j
  where l.job = p_job and j.name = l.job and j.rate_per_minute is not null
$$;
comment on function baton_api.take_tokens is 'Takes tokens for items about to be started (internal).';
