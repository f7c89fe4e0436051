-- Ends sync jobs all of whose chunks have come to their end, at most p_limit: a backstop of claims that find nothing, and of ticks.
-- One that a settlement has locked is left to it. Internal. Locks: groups, sync job, source.
create function baton_api.finish_ended_sync_jobs(p_limit int) returns void
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_job baton.jobs;
  v_group_id uuid;
begin
  v_job := baton_api.job_of('process-chunks');
  for v_group_id in
    select g.id from baton.item_groups g
    where g.job = v_job.name and g.state = 'open' and baton_api.group_has_ended(v_job, g.id)
    order by g.id limit p_limit for no key update skip locked
  loop
    perform baton_api.finish_sync_job(v_job, v_group_id, v_now);
  end loop;
end
$$;
comment on function baton_api.finish_ended_sync_jobs is 'Ends sync jobs whose chunks have all come to their end (internal).';
