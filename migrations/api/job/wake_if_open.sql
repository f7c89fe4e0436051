-- Wakes a job unless its limiter would only turn the caller away; then the next tick comes at the right time. Internal.
create function baton_api.wake_if_open(p_job text, p_now timestamptz) returns void
language sql
as $$
  select baton.wake(j.name) from baton.jobs j
  where j.name = p_job and not baton_api.job_throttle(j, p_now) ? 'reason'
$$;
comment on function baton_api.wake_if_open is 'Wakes a job that has tokens left (internal).';
