-- Claims the next items of a job: `batch_size` of them. Answers one of
--   {"status": "claimed", "attempt_id", "items": [{"id", "attempt", "max_attempts", "key", "data"}]}
--   {"status": "skipped", "reason": busy | paused | throttled | …, "until"}
--   {"status": "idle", "reason": nothing_due, "until"}
-- Every answer but the first is in the log of runs already. The claim need not survive a crash of the database: without it the
-- items are still ready, and its attempt can settle nothing. So no caller waits for the disk here.
-- Raises WK002 when there is no such job, WK004 when it has no items, 42501 when the caller is not the job's role.
create function baton_api.claim_items(p_job text, p_trigger text, p_worker text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
begin
  perform baton_api.check_role(p_job);
  if exists (select from baton.jobs j where j.name = p_job and j.kind not in ('queue', 'rows')) then
    raise exception 'job % has a claim of its own', p_job using errcode = 'WK004';
  end if;
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  return baton_api.claim_next_items(p_job, p_trigger, p_worker, '{}');
end
$$;
comment on function baton_api.claim_items is 'Claims the next items of a job, or says why not.';
