-- Deletes queued jobs of auto-syncs that were worked long enough ago. Internal.
create function baton_api.prune_queued_jobs(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_rows int := 0;
begin
  -- Once taken out, the queue stays out.
  if to_regclass('public.job_queue') is not null then
    delete from public.job_queue q where q.id in (
      select o.id from public.job_queue o
      where o.status in ('processed', 'skipped') and o.processed_at < p_now - (select s.auto_sync_jobs_kept_for from baton.settings s)
      order by o.processed_at limit p_limit for update skip locked);
    get diagnostics v_rows = row_count;
  end if;
  return v_rows;
end
$$;
comment on function baton_api.prune_queued_jobs is 'Deletes queued jobs of auto-syncs that were worked long enough ago (internal).';
