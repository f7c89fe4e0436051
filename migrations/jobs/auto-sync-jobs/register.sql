select baton.register_job('auto-sync-jobs', p_parallel_limit => 1, p_functions => '{
  "state": "auto_syncs_state", "lost": "lose_messages", "prune": "prune_queued_jobs"}');
select baton.allow('auto-sync-jobs', 'claim_auto_sync_jobs', 'submit_messages', 'settle_messages', 'extend_attempt');
