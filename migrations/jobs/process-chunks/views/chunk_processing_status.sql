-- One row per sync job. The id is text, so that any text may be asked for.
create view baton_board.chunk_processing_status as
select j.id::text as parent_sync_job_id, j.source, j.kind, j.status as overall_status,
       c.total_chunks, c.pending_chunks, c.processing_chunks, c.completed_chunks, c.failed_chunks, c.synced_items,
       case when j.status = 'completed' then 100
         when c.total_chunks > 0 then round(c.completed_chunks * 100.0 / c.total_chunks, 2) else 0 end as progress_percentage,
       case when j.completed_at is null and c.completed_chunks + c.failed_chunks > 0 then
         baton.clock() + (baton.clock() - j.started_at) * ((c.pending_chunks + c.processing_chunks)::float8 / (c.completed_chunks + c.failed_chunks)) end as eta,
       j.created_at, j.started_at, j.completed_at, coalesce(j.error_message, (
         select i.error from baton.failed_items f join baton.items i on i.id = f.item_id where f.group_id = j.id order by f.item_id limit 1)) as error_message,
       -- Of a sync job that failed, only refused credentials are its own reason; other reasons are those of chunks.
       j.status = 'failed' and j.error_message is not null as is_refused
from baton.sync_jobs j
cross join lateral (
  select t.total_chunks, r.pending_chunks, t.waiting_chunks - r.pending_chunks as processing_chunks, t.completed_chunks, t.failed_chunks, t.synced_items
  from (
    select count(*) as total_chunks,
           count(*) filter (where i.status = 'waiting') as waiting_chunks,
           count(*) filter (where i.status = 'completed') as completed_chunks,
           count(*) filter (where i.status in ('failed', 'cancelled')) as failed_chunks,
           coalesce(sum(i.brought), 0) as synced_items
    from baton.items i where i.group_id = j.id) t,
  (select count(*) as pending_chunks from baton.ready_items r where r.group_id = j.id) r
) c;
comment on view baton_board.chunk_processing_status is 'How far each sync job is: chunks by status, percentage, expected end.';
