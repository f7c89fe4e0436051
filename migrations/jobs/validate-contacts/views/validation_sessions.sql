-- The validation cycles under their first name. Updatable: setting a running one to failed stops the cycle.
create view baton_board.validation_sessions as
select c.id, c.started_at, c.completed_at, c.status, c.total_items as total_contacts, c.done_items as validated_count,
       c.iteration, c.error_message, c.config
from baton.cycles c
where c.job = 'validate-contacts';
comment on view baton_board.validation_sessions is 'The validation cycles; set a running one to failed to stop it.';
