-- Ends a sync job whose chunks are all at their end, and lets its source remember where it left off. After everything
-- was listed anew, what the source no longer has is pruned first, by a chunk of its own. Internal; the caller has locked the group.
-- Locks: sync job, source.
create function baton_api.finish_sync_job(p_job baton.jobs, p_sync_job_id uuid, p_now timestamptz) returns void
language plpgsql
as $$
declare
  v_sync_job baton.sync_jobs;
  v_failed boolean;
begin
  if not baton_api.group_has_ended(p_job, p_sync_job_id) then
    return;
  end if;
  select j.* into v_sync_job from baton.sync_jobs j where j.id = p_sync_job_id for no key update;
  if v_sync_job.status in ('pending', 'processing') then
    v_failed := exists (select from baton.failed_items f where f.group_id = p_sync_job_id);
    if v_sync_job.kind = 'full' and not v_failed and exists (
      select from public.synced_emails e where e.source = v_sync_job.source and e.sync_job_id is null or e.source = v_sync_job.source and e.sync_job_id < p_sync_job_id
        or e.source = v_sync_job.source and e.sync_job_id > p_sync_job_id
    ) then
      perform baton_api.enqueue_in_group(p_job, p_sync_job_id, '[{"do": "prune"}]', p_now);
      return;
    end if;
    update baton.sync_jobs j
    set completed_at = p_now, status = case
          when not v_failed then 'completed'
          when exists (select from baton.items i where i.group_id = p_sync_job_id and i.status = 'completed') then 'partial_failure'
          else 'failed' end
    where j.id = p_sync_job_id;
    if not v_failed and v_sync_job.state is not null then
      update baton.sources s set state = v_sync_job.state where s.name = v_sync_job.source;
    end if;
  end if;
  update baton.item_groups g set state = 'ended' where g.id = p_sync_job_id;
end
$$;
comment on function baton_api.finish_sync_job is 'Ends a sync job whose chunks are all at their end (internal).';
