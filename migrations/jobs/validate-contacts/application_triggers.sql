-- Applied last of all, because its locks are held to the end of the migration.

select baton.attach_trigger('public.contacts', 't10_forget_verdict',
  'before update of email on %s for each row
   when (old.email is distinct from new.email and old.email_validation_status is not distinct from new.email_validation_status)
   execute function baton.forget_verdict()');
-- The condition is as short as it can be, because PostgreSQL reads it anew for every statement. Writers may read this one
-- sequence; `register.sql` says so.
select baton.attach_trigger('public.contacts', 't90_wake',
  $$after insert or update of email on %s for each statement
    when (date_part('epoch', clock_timestamp()) * 1000 > pg_sequence_last_value('baton.woken_123456789'))
    execute function baton.wake_job('validate-contacts')$$);
