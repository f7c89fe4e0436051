select baton.register_job('validate-contacts', p_parallel_limit => 1, p_on_slot => 'cycle', p_functions => '{
  "state": "contacts_state", "lost": "lose_contacts", "prune": "prune_routes", "count_due": "count_due_contacts",
  "unreachable_rows": "unreachable_contacts"}');
select baton.allow('validate-contacts', 'claim_contacts', 'settle_contacts', 'extend_attempt');
-- Every writer of the application evaluates the condition of the trigger that wakes.
grant select on sequence baton.woken_123456789 to public;
