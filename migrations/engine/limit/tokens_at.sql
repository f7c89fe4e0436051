-- What a limited job's bucket holds at a moment: what it held, refilled since, and never more than the burst. Internal.
create function baton_api.tokens_at(p_job baton.jobs, p_limiter baton.limiters, p_now timestamptz) returns double precision
language sql immutable
as $$
  select least(p_job.rate_burst,
    p_limiter.tokens + extract(epoch from p_now - least(p_limiter.refilled_at, p_now)) * p_job.rate_per_minute / 60.0)
$$;
comment on function baton_api.tokens_at is 'What the bucket of a limited job holds at a moment (internal).';
