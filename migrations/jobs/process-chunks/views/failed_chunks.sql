create view baton_board.failed_chunks as
select j.source, q.parent_sync_job_id as sync_job_id, q.id as queue_id, baton_api.mask_secrets(c.work::text)::jsonb as work, q.attempts, q.error_message, q.completed_at
from baton.sync_jobs j
join baton.chunk_processing_queue q on q.parent_sync_job_id = j.id and q.status = 'failed'
join baton.chunked_sync_jobs c on c.id = q.chunk_id;
comment on view baton_board.failed_chunks is 'The dead letters: chunks that were given up, and why.';
