-- Writes one line of the execution log. Internal: called by the functions that know what happened.
create function baton_api.log_run(
  p_job text, p_status text, p_reason text, p_counts jsonb, p_trigger text, p_worker text,
  p_attempt_id uuid, p_started_at timestamptz, p_finished_at timestamptz
) returns void
language sql
as $$
  insert into baton.runs (job, status, reason, counts, trigger, worker, attempt_id, started_at, finished_at)
  values (p_job, p_status, p_reason, coalesce(p_counts, '{}'), p_trigger, p_worker, p_attempt_id, p_started_at, p_finished_at)
$$;
comment on function baton_api.log_run is 'Writes one line of the execution log (internal).';
