-- All triggers on tables of the application. Applied last, because their locks are held to the end of the migration.

select baton.attach_trigger('public.contacts', 't10_forget_verdict',
  'before update of email on %s for each row
   when (old.email is distinct from new.email and old.email_validation_status is not distinct from new.email_validation_status)
   execute function baton.forget_verdict()');
-- The condition is as short as it can be, because PostgreSQL reads it anew for every statement. Writers may read this one
-- sequence; `grants.sql` says so.
select baton.attach_trigger('public.contacts', 't90_wake',
  $$after insert or update of email on %s for each statement
    when (date_part('epoch', clock_timestamp()) > pg_sequence_last_value('baton.woken_123456789'))
    execute function baton.wake_job('validate-contacts')$$);

select baton.attach_trigger('public.activities', 't50_note_contact',
  'after insert on %s referencing new table as changed for each statement execute function baton.note_contact()');
select baton.attach_trigger('public.activities', 't51_note_changed_contact',
  'after update on %s referencing new table as changed for each statement execute function baton.note_contact()');

-- An operator who dropped the queue, as the rollback of the first version does, does not get it back.
do $$
begin
  if to_regclass('public.job_queue') is null or to_regclass('public.auto_syncs') is null then
    return;
  end if;
  perform baton.attach_trigger('public.auto_syncs', 'on_auto_sync_created',
    'after insert on %s for each row when (new.status = ''running'') execute function baton.schedule_first_reminder()');
  perform baton.attach_trigger('public.job_queue', 't90_wake',
    'after insert on %s referencing new table as changed for each statement execute function baton.wake_auto_sync_jobs()');
  perform baton.attach_trigger('public.job_queue', 't91_wake',
    'after update on %s referencing new table as changed for each statement
     when (coalesce(pg_catalog.current_setting(''baton.quiet'', true), '''') <> ''on'')
     execute function baton.wake_auto_sync_jobs()');
end
$$;

select baton.attach_trigger('public.assignments', 't60_look_at_held_messages',
  'after update of peer_mentor_phone, peer_mentor_email, timezone on %s for each row
   when (old.peer_mentor_phone is distinct from new.peer_mentor_phone or old.peer_mentor_email is distinct from new.peer_mentor_email
     or old.timezone is distinct from new.timezone)
   execute function baton.look_at_held_messages(''assignment'')');
do $$
begin
  -- An operator who dropped these tables does not get them back.
  if to_regclass('public.crew_members') is not null then
    perform baton.attach_trigger('public.crew_members', 't60_look_at_held_messages',
      'after update of phone, email, timezone on %s for each row
       when (old.phone is distinct from new.phone or old.email is distinct from new.email or old.timezone is distinct from new.timezone)
       execute function baton.look_at_held_messages(''member'')');
  end if;
  if to_regclass('public.auto_syncs') is not null then
    perform baton.attach_trigger('public.auto_syncs', 't60_look_at_held_messages',
      'after update of timezone on %s for each row when (old.timezone is distinct from new.timezone)
       execute function baton.look_at_held_messages(''auto_sync'')');
  end if;
end
$$;
