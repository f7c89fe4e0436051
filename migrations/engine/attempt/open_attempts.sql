-- The open attempts of a job: how many have a lease, until when the first of these, and whether another one's ran out. Internal.
create type baton_api.open_attempts as (attempts int, until timestamptz, silent boolean);
create function baton_api.open_attempts_of(p_job baton.jobs, p_now timestamptz) returns baton_api.open_attempts
language sql volatile
as $$
  select row(count(*) filter (where not p.past), min(a.leased_until) filter (where not p.past), coalesce(bool_or(p.past), false))::baton_api.open_attempts
  from baton.attempts a, lateral (select baton_api.is_past(a.leased_until, p_now, interval '5 minutes') as past) p
  where a.job = p_job.name and a.finished_at is null and a.claimed_at >= (select baton_api.mark_at('attempt_mark', p_job.lock_id))
$$;
comment on function baton_api.open_attempts_of is 'The open attempts of a job (internal).';
