-- Takes tokens for items about to be started. Internal; only the holder of the job's advisory lock calls it.
create function baton_api.take_tokens(p_job text, p_items int, p_now timestamptz) returns void
language sql
as $$
  update baton.limiters l
  set tokens = greatest(0, baton_api.tokens_at(j, l, p_now) - p_items), refilled_at = p_now
  from baton.jobs j
  where l.job = p_job and j.name = l.job and j.rate_per_minute is not null
$$;
comment on function baton_api.take_tokens is 'Takes tokens for items about to be started (internal).';
