create view baton_board.chunk_attempts as
select j.source, q.parent_sync_job_id as sync_job_id, a.queue_id, a.number, a.worker_id, a.started_at, a.ended_at, a.outcome, a.error
from baton.chunk_attempts a
join baton.chunk_processing_queue q on q.id = a.queue_id
join baton.sync_jobs j on j.id = q.parent_sync_job_id;
comment on view baton_board.chunk_attempts is 'Every attempt at every chunk: who, when, and what came of it.';
