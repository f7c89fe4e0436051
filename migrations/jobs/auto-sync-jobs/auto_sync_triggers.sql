-- An auto-sync that starts running gets its first job: the reminder. Definer, because who starts one may not write the queue.
-- An error is a warning: starting an auto-sync never fails by it.
create or replace function baton.schedule_first_reminder() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  insert into public.job_queue (sync_id, job_type, scheduled_at)
  select new.id, 'reminder_24h', coalesce(new.started_at, baton.clock()) + s.auto_sync_reminder_after
  from baton.settings s
  on conflict do nothing;
  return null;
exception when others then
  raise warning 'baton: scheduling the first reminder of auto-sync % failed: %', new.id, sqlerrm;
  return null;
end
$$;

-- A job that was put in for now need not wait for the next tick.
create or replace function baton.wake_auto_sync_jobs() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  if exists (select from changed c where c.status = 'pending' and c.scheduled_at <= baton.clock()) then
    perform baton.wake_for_writer('auto-sync-jobs');
  end if;
  return null;
exception when others then
  raise warning 'baton: waking auto-sync-jobs failed: %', sqlerrm;
  return null;
end
$$;
