-- Whether an item of a job could be taken now. Internal; reads a row or two: in the order of an index, because for a job without
-- items the planner would else read those of others.
create function baton_api.has_ready_items(p_job baton.jobs, p_now timestamptz) returns boolean
language plpgsql
as $$
begin
  return coalesce((
      select true from baton.ready_items r
      where r.job = p_job.name and r.priority = 0 and r.run_at is null and r.rank >= (select baton_api.mark('rank_mark', p_job.lock_id))
      order by r.rank limit 1
    ), (
      select true from baton.ready_items r
      where r.job = p_job.name and r.run_at <= p_now and r.run_at >= (select baton_api.mark_at('retry_mark', p_job.lock_id))
      order by r.run_at limit 1
    ), (
      select true from baton.ready_items r
      where r.job = p_job.name and r.priority < 0 and r.run_at is null order by r.priority, r.rank limit 1
    ), (
      select true from baton.ready_items r
      where r.job = p_job.name and r.priority > 0 and r.run_at is null order by r.priority, r.rank limit 1
    ), p_job.kind = 'rows' and baton_api.has_due_rows(p_job, p_now));
end
$$;
comment on function baton_api.has_ready_items is 'Whether an item of a job could be taken now (internal).';
