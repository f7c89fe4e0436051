-- The one place that says how a message may change. What a provider tells us counts even of one that was to be sent again.
create or replace function baton.check_message_transition() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  if not (case old.status
    when 'reserved' then new.status in ('submitting', 'submitted', 'delivered', 'undelivered', 'failed')
    when 'submitting' then new.status in ('submitted', 'delivered', 'undelivered', 'failed', 'unknown', 'reserved')
    when 'unknown' then new.status in ('submitted', 'delivered', 'undelivered', 'failed', 'reserved')
    when 'submitted' then new.status in ('delivered', 'undelivered', 'failed')
    when 'undelivered' then new.status in ('delivered', 'reserved')
    when 'failed' then new.status = 'reserved'
    else false end)
  then
    raise exception 'message % is % and cannot become %', old.id, old.status, new.status using errcode = 'WK003';
  end if;
  return new;
end
$$;

create or replace trigger t20_message_transition
before update of status on baton.messages
for each row
when (old.status is distinct from new.status)
execute function baton.check_message_transition();

-- The application sees in its own table what became of its messages.
create or replace function baton.mirror_auto_sync_message() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  update public.auto_sync_messages m
  set status = new.status, body = coalesce(new.body, m.body), sent_at = coalesce(new.submitted_at, m.sent_at)
  where m.message_id = new.id;
  return null;
exception when others then
  -- A message's fate is known here, whatever becomes of the copy.
  raise warning 'baton: copying the state of message % failed: %', new.id, sqlerrm;
  return null;
end
$$;

create or replace trigger t50_mirror_auto_sync_message
after update of status on baton.messages
for each row
when (new.purpose = 'auto_sync' and old.status is distinct from new.status)
execute function baton.mirror_auto_sync_message();
