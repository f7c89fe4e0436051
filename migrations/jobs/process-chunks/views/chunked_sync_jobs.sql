create view baton_board.chunked_sync_jobs as
select i.id, i.group_id as sync_job_id, baton_api.mask_secrets(i.data::text)::jsonb as work, i.created_at
from baton.items i where i.job = 'process-chunks';
comment on view baton_board.chunked_sync_jobs is 'The pieces of sync jobs: what is to be done.';
