-- After chunk_processing_status, which it reads.
create view baton_board.sync_overview as
select s.name as source, s.kind, baton_api.mask_secrets(s.url) as url, p.parent_sync_job_id as sync_job_id, p.kind as sync_kind, p.overall_status,
       p.total_chunks, p.pending_chunks, p.processing_chunks, p.completed_chunks, p.failed_chunks, p.synced_items,
       p.progress_percentage, p.eta, case when g.blocked_until > baton.clock() then g.blocked_until end as blocked_until,
       case when g.blocked_until > baton.clock() then g.blocked_reason end as blocked_reason, p.started_at, p.completed_at, p.error_message, p.is_refused, (
         select max(j.completed_at) from baton.sync_jobs j where j.source = s.name and j.status = 'completed') as last_synced_at
from baton.sources s
left join lateral (
  select j.id from baton.sync_jobs j where j.source = s.name order by j.created_at desc, j.id desc limit 1
) j on true
left join baton.item_groups g on g.id = j.id
left join baton_board.chunk_processing_status p on p.parent_sync_job_id = j.id::text;
comment on view baton_board.sync_overview is 'Every source with its latest sync job.';
