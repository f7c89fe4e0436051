-- How many items of a job may start now: {"tokens": n or null for no limit}, with "reason" and "until" when none may.
-- A bucket with less than six seconds' worth counts as empty, or a throttled job would go one item at a time. Internal.
create function baton_api.job_throttle(p_job baton.jobs, p_now timestamptz) returns jsonb
language plpgsql stable
as $$
declare
  v_limiter baton.limiters;
  v_tokens double precision;
  v_wanted double precision;
begin
  select l.* into v_limiter from baton.limiters l where l.job = p_job.name;
  if v_limiter.blocked_until > p_now and not baton_api.is_past(v_limiter.blocked_until, p_now, interval '1 hour') then
    return jsonb_build_object('tokens', 0, 'reason', v_limiter.blocked_reason, 'until', v_limiter.blocked_until);
  end if;
  if p_job.rate_per_minute is null then
    return jsonb_build_object('tokens', null);
  end if;
  v_tokens := baton_api.tokens_at(p_job, v_limiter, p_now);
  v_wanted := greatest(1, least(p_job.batch_size, p_job.rate_burst, p_job.rate_per_minute / 10));
  if v_tokens < v_wanted then
    return jsonb_build_object('tokens', 0, 'reason', 'throttled',
      'until', p_now + (v_wanted - v_tokens) * 60.0 / p_job.rate_per_minute * interval '1 second');
  end if;
  return jsonb_build_object('tokens', floor(v_tokens));
end
$$;
comment on function baton_api.job_throttle is 'How many items of a job may start now, and if none, until when (internal).';
