-- Cancels chunks whose sync job has ended, which no attempt has: at most p_limit. Internal. Locks: groups, ready items, items.
create function baton_api.drain_sync_jobs(p_limit int) returns int
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_job baton.jobs;
  v_group_id uuid;
  v_closed int := 0;
begin
  v_job := baton_api.job_of('process-chunks');
  for v_group_id in
    select g.id from baton.item_groups g where g.job = v_job.name and g.state = 'draining' order by g.id limit 10 for no key update skip locked
  loop
    v_closed := v_closed + baton_api.drain_group(v_job, v_group_id,
      (select coalesce(j.error_message, j.status) from baton.sync_jobs j where j.id = v_group_id), p_limit - v_closed, v_now);
    exit when v_closed >= p_limit;
  end loop;
  return v_closed;
end
$$;
comment on function baton_api.drain_sync_jobs is 'Cancels chunks whose sync job has ended (internal).';
