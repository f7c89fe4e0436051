select baton.register_job('follow-up-reminders', p_parallel_limit => 1, p_on_slot => 'cycle', p_functions => '{
  "state": "reminders_state", "lost": "lose_messages", "prune": "prune_messages", "unreachable_rows": "unreachable_assignments"}');
select baton.allow('follow-up-reminders', 'claim_reminders', 'submit_messages', 'settle_messages', 'extend_attempt', 'correct_last_contact_date');
