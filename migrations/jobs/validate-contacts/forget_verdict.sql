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
