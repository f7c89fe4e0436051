-- A corrected number, address or time zone reaches what is held for the night, by the daily cap or without a provider: the
-- message is due, and the next claim reads the record anew. Definer, because who corrects a record has no rights in baton.
-- The argument says whose row it is: assignment, member or auto_sync. The writer never waits nor fails: what is locked is being
-- looked at by a claim, and an error is a warning; the record is read anew at the end of the hold in any case.
create or replace function baton.look_at_held_messages() returns trigger
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_key constant text := new.id;
begin
  update baton.messages m set due_at = v_now
  from (
    select h.id from baton.messages h
    where h.status = 'reserved' and h.due_at > v_now and h.reason in ('quiet_hours', 'daily_cap', 'no_provider')
      and case tg_argv[0] when 'member' then h.purpose = 'auto_sync' and h.recipient_id = v_key
        when 'assignment' then h.purpose = 'follow_up' and h.subject_id = v_key
        else h.purpose = 'auto_sync' and h.subject_id = v_key end
    order by h.id
    for update skip locked
  ) w
  where m.id = w.id;
  if found then
    perform baton.wake_for_writer(case tg_argv[0] when 'assignment' then 'follow-up-reminders' else 'auto-sync-jobs' end);
  end if;
  return null;
exception when others then
  raise warning 'baton: looking at messages that are held for % % failed: %', tg_argv[0], new.id, sqlerrm;
  return null;
end
$$;
