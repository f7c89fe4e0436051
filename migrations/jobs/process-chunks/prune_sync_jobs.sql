-- Deletes sync jobs that ended long enough ago: chunk by chunk, then as a whole. Internal.
create function baton_api.prune_sync_jobs(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_keep constant interval := (select s.runs_kept_for from baton.settings s);
  v_rows int;
begin
  with old as (
    select c.id, q.id as queue_id from (
      select j.id from baton.sync_jobs j where j.completed_at < p_now - v_keep order by j.completed_at limit 1) j
    join baton.chunked_sync_jobs c on c.sync_job_id = j.id
    left join baton.chunk_processing_queue q on q.chunk_id = c.id
    limit p_limit
  ), attempts as (
    delete from baton.chunk_attempts a using old o where a.queue_id = o.queue_id
  )
  delete from baton.chunked_sync_jobs c using old o where c.id = o.id;
  get diagnostics v_rows = row_count;
  delete from baton.sync_jobs j where j.id in (
    select o.id from baton.sync_jobs o where o.completed_at < p_now - v_keep
      and not exists (select from baton.chunked_sync_jobs c where c.sync_job_id = o.id)
    order by o.completed_at limit p_limit for update skip locked);
  return v_rows;
end
$$;
comment on function baton_api.prune_sync_jobs is 'Deletes sync jobs that ended long enough ago (internal).';
