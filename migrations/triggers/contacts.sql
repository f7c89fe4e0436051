-- A changed address is a contact that was never validated; whoever sets a verdict in the same statement knows better.
create or replace function baton.forget_verdict() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.email_validation_status := null;
  new.email_validation_reason := null;
  new.email_validation_evidence := null;
  new.email_validation_valid_until := null;
  new.email_validation_retry_at := null;
  new.email_validation_tries := 0;
  new.external_heartbeat_checked_at := null;
  return new;
end
$$;

create or replace trigger t10_forget_verdict
before update of email on public.contacts
for each row
when (old.email is distinct from new.email and old.email_validation_status is not distinct from new.email_validation_status)
execute function baton.forget_verdict();

-- The condition is as short as it can be, because PostgreSQL reads it anew for every statement. Writers may read this one
-- sequence; `grants.sql` says so.
create or replace trigger t90_wake
after insert or update of email on public.contacts
for each statement
when (date_part('epoch', clock_timestamp()) > pg_sequence_last_value('baton.woken_123456789'))
execute function baton.wake_job('validate-contacts');
