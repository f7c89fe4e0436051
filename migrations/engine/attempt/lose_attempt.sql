-- Closes an attempt that the caller has locked; nothing it brings later will count, and what it had is due again. Internal.
create function baton_api.lose_attempt(p_attempt baton.attempts, p_reason text, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_job baton.jobs;
begin
  select j.* into v_job from baton.jobs j where j.name = p_attempt.job;
  update baton.attempts a
  set finished_at = p_now, outcome = 'lost', item_ids = '{}',
      result = coalesce(a.result, case when a.turns > 1 then baton_api.done_result(a.n_items - cardinality(a.item_ids)) end, '{}')
        || jsonb_build_object('status', 'lost', 'reason', p_reason)
  where a.id = p_attempt.id;
  if v_job.kind = 'custom' then
    execute format('select %s($1, $2, $3)', baton_api.job_function(p_attempt.job, 'lost')) using p_attempt, p_reason, p_now;
  else
    perform baton_api.lose_items(v_job, p_attempt, p_now);
  end if;
  perform baton_api.spend_tokens(p_attempt.job, cardinality(p_attempt.item_ids), p_now);
  if not v_job.runs_are_attempts then
    perform baton_api.log_run(p_attempt.job, 'lost', p_reason, jsonb_build_object('claimed', p_attempt.n_items),
      p_attempt.trigger, p_attempt.worker, p_attempt.id, p_attempt.claimed_at, p_now);
  end if;
end
$$;
comment on function baton_api.lose_attempt is 'Closes an attempt whose work no longer counts (internal).';
