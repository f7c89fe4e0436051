-- The backstop behind leases, for operators: chunks that are under way for more than 10 minutes and that no live attempt has are due
-- again. One whose worker still beats is left alone, however long it takes. Claims and ticks do so for attempts whose lease ran
-- out; no chunk is without an attempt unless its attempt was deleted by hand. At most 1,000; answers how many.
create function baton_api.cleanup_stuck_chunks() returns int
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now timestamptz := baton.clock();
  v_job baton.jobs;
  v_rows int;
begin
  v_job := baton_api.job_of('process-chunks');
  perform baton_api.sweep_attempts(v_job.name, 1000);
  perform pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  insert into baton.ready_items (job, priority, rank, run_at, item_id, group_id)
  select v_job.name, 0, baton_api.microseconds(v_now), v_now, i.id, i.group_id
  from baton.item_groups g
  join baton.items i on i.group_id = g.id and i.status = 'waiting' and greatest(i.created_at, i.started_at) < v_now - interval '10 minutes'
  where g.job = v_job.name and g.state <> 'ended'
    and not exists (select from baton.ready_items r where r.item_id = i.id)
    and not exists (select from baton.attempts a where a.job = v_job.name and a.finished_at is null and i.id::text = any (a.item_ids))
  limit 1000;
  get diagnostics v_rows = row_count;
  return v_rows;
end
$$;
comment on function baton_api.cleanup_stuck_chunks is 'Makes chunks due again that are under way for more than 10 minutes and that no attempt has.';
