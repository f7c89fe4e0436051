create view baton_board.failed_chunks as
select j.source, f.group_id as sync_job_id, i.id as queue_id, baton_api.mask_secrets(i.data::text)::jsonb as work, i.attempts, i.error as error_message,
       f.failed_at as completed_at
from baton.failed_items f join baton.sync_jobs j on j.id = f.group_id join baton.items i on i.id = f.item_id;
comment on view baton_board.failed_chunks is 'The dead letters: chunks that failed for good, and why.';
