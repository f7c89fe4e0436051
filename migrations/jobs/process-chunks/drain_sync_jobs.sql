-- Closes chunks that nobody will do because their sync job has ended: at most p_limit. Internal. Locks: sync job, chunks.
create function baton_api.drain_sync_jobs(p_limit int) returns int
language plpgsql
as $$
declare
  v_now timestamptz := baton.clock();
  v_sync_job record;
  v_closed int := 0;
  v_rows int;
begin
  perform pg_catalog.set_config('baton.quiet', 'on', true);
  for v_sync_job in select j.id, coalesce(j.error_message, j.status) as why from baton.sync_jobs j where j.draining order by j.id limit 10 for no key update skip locked loop
    update baton.chunk_processing_queue q set status = 'failed', completed_at = v_now, retry_at = null, error_message = v_sync_job.why
    where q.id in (
      select o.id from baton.chunk_processing_queue o
      where o.parent_sync_job_id = v_sync_job.id and o.status = 'pending' order by o.rank limit p_limit - v_closed for update skip locked);
    get diagnostics v_rows = row_count;
    v_closed := v_closed + v_rows;
    update baton.sync_jobs j set draining = false
    where j.id = v_sync_job.id and not exists (
      select from baton.chunk_processing_queue q where q.parent_sync_job_id = j.id and q.status in ('pending', 'processing'));
    exit when v_closed >= p_limit;
  end loop;
  perform pg_catalog.set_config('baton.quiet', '', true);
  return v_closed;
end
$$;
comment on function baton_api.drain_sync_jobs is 'Closes chunks whose sync job has ended (internal).';
