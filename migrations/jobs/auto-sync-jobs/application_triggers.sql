-- Applied last of all, because its locks are held to the end of the migration.

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
