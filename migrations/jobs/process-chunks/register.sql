select baton.register_job('process-chunks', p_runs_are_attempts => true, p_kind => 'groups', p_functions => '{
  "clean_up": "clean_up_chunks", "prune": "prune_sync_jobs"}');
select baton.allow('process-chunks', 'claim_next_chunk_job_safe', 'complete_chunk_job_safe', 'settle_chunks_as_text', 'extend_attempt');
