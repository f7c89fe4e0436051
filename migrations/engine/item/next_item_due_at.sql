-- When the next item of a job is due that waits for its moment or its retry; null when none waits. Internal.
create function baton_api.next_item_due_at(p_job baton.jobs, p_now timestamptz) returns timestamptz
language sql stable
as $$
  select min(r.run_at) from baton.ready_items r
  where r.job = p_job.name and r.run_at > p_now and r.run_at >= (select baton_api.mark_at('retry_mark', p_job.lock_id))
$$;
comment on function baton_api.next_item_due_at is 'When the next item of a job is due that waits (internal).';
