-- Ends a sync job whose chunks are all at their end, and lets its source remember where it left off. After everything
-- was listed anew, what the source no longer has is pruned first, by a chunk of its own. Internal. Locks: sync job.
create function baton_api.finish_sync_job(p_sync_job_id uuid, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_sync_job baton.sync_jobs;
  v_failed boolean;
begin
  -- Of two settlements that each see the other's chunk under way, the second waits here, and sees the first one's.
  select j.* into v_sync_job from baton.sync_jobs j where j.id = p_sync_job_id for no key update;
  if v_sync_job.status not in ('pending', 'processing') or exists (
    select from baton.chunk_processing_queue q where q.parent_sync_job_id = p_sync_job_id and q.status in ('pending', 'processing')
  ) then
    return;
  end if;
  v_failed := exists (select from baton.chunk_processing_queue q where q.parent_sync_job_id = p_sync_job_id and q.status = 'failed');
  if v_sync_job.kind = 'full' and not v_failed and exists (
    select from public.synced_emails e where e.source = v_sync_job.source and e.sync_job_id is null or e.source = v_sync_job.source and e.sync_job_id < p_sync_job_id
      or e.source = v_sync_job.source and e.sync_job_id > p_sync_job_id
  ) then
    perform baton_api.enqueue_chunks(p_sync_job_id, '[{"do": "prune"}]');
    return;
  end if;
  update baton.sync_jobs j
  set completed_at = p_now, status = case
        when not v_failed then 'completed'
        when exists (select from baton.chunk_processing_queue q where q.parent_sync_job_id = p_sync_job_id and q.status = 'completed') then 'partial_failure'
        else 'failed' end
  where j.id = p_sync_job_id;
  if not v_failed then
    update baton.sources s set state = coalesce(v_sync_job.state, s.state) where s.name = v_sync_job.source;
  end if;
end
$$;
comment on function baton_api.finish_sync_job is 'Ends a sync job whose chunks are all at their end (internal).';
