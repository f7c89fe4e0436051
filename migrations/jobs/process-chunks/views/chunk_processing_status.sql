-- One row per sync job. The id is text, so that any text may be asked for.
create view baton_board.chunk_processing_status as
select j.id::text as parent_sync_job_id, j.source, j.kind, j.status as overall_status,
       c.total_chunks, c.pending_chunks, c.processing_chunks, c.completed_chunks, c.failed_chunks, c.synced_items,
       case when j.status = 'completed' then 100
         when c.total_chunks > 0 then round(c.completed_chunks * 100.0 / c.total_chunks, 2) else 0 end as progress_percentage,
       case when j.completed_at is null and c.completed_chunks + c.failed_chunks > 0 then
         baton.clock() + (baton.clock() - j.started_at) * ((c.pending_chunks + c.processing_chunks)::float8 / (c.completed_chunks + c.failed_chunks)) end as eta,
       j.created_at, j.started_at, j.completed_at, coalesce(j.error_message, (
         select q.error_message from baton.chunk_processing_queue q
         where q.parent_sync_job_id = j.id and q.status = 'failed' order by q.rank limit 1)) as error_message,
       -- Of a sync job that failed, only refused credentials are its own reason; other reasons are those of chunks.
       j.status = 'failed' and j.error_message is not null as is_refused
from baton.sync_jobs j
cross join lateral (
  select count(*) as total_chunks,
         count(*) filter (where q.status = 'pending') as pending_chunks,
         count(*) filter (where q.status = 'processing') as processing_chunks,
         count(*) filter (where q.status = 'completed') as completed_chunks,
         count(*) filter (where q.status = 'failed') as failed_chunks,
         coalesce(sum(q.items), 0) as synced_items
  from baton.chunk_processing_queue q where q.parent_sync_job_id = j.id
) c;
comment on view baton_board.chunk_processing_status is 'How far each sync job is: chunks by status, percentage, expected end.';
