-- Works the queued jobs that are due, at most ten a run, longest due first. One that fails is rolled back alone, tried again
-- after a minute, then two, and skipped after its third time, with its error; it holds up no other.
-- Answers {"processed": n, "skipped": n, "retried": n}. Internal. Locks: queued jobs, auto-sync.
create function baton_api.work_queued_jobs(p_now timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_queued public.job_queue;
  v_done jsonb;
  v_counts jsonb := '{"processed": 0, "skipped": 0, "retried": 0}';
  v_setting text;
begin
  -- Whoever claims knows what is due; nobody needs to be woken by it.
  v_setting := pg_catalog.set_config('baton.quiet', 'on', true);
  for v_queued in
    select q.* from public.job_queue q
    where q.status = 'pending' and q.scheduled_at <= p_now and (q.retry_at is null or q.retry_at <= p_now)
    order by q.scheduled_at limit 10
    for update skip locked
  loop
    begin
      v_done := baton_api.work_queued_job(v_queued.sync_id, v_queued.job_type, v_queued.scheduled_at, p_now);
      update public.job_queue q
      set status = v_done->>'status', processed_at = p_now, attempts = q.attempts + 1, error_message = v_done->>'why'
      where q.id = v_queued.id;
    exception when others then
      v_done := jsonb_build_object('status', case when v_queued.attempts >= 2 then 'skipped' else 'retried' end);
      update public.job_queue q
      set attempts = q.attempts + 1, error_message = sqlerrm,
          status = case when q.attempts >= 2 then 'skipped' else 'pending' end,
          processed_at = case when q.attempts >= 2 then p_now end,
          retry_at = case when q.attempts < 2 then p_now + (q.attempts + 1) * interval '1 minute' end
      where q.id = v_queued.id;
    end;
    v_counts := jsonb_set(v_counts, array[v_done->>'status'], to_jsonb((v_counts->>(v_done->>'status'))::int + 1));
  end loop;
  v_setting := pg_catalog.set_config('baton.quiet', '', true);
  return v_counts;
end
$$;
comment on function baton_api.work_queued_jobs is 'Works the queued jobs of auto-syncs that are due (internal).';
