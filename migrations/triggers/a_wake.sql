-- Tells the deployment that a job has something to do. A hint: losing it costs time, never work.
-- Wait-free, at most one notification per transaction and job (PostgreSQL merges equal ones).
create or replace function baton.wake(p_job text) returns void
language plpgsql
set search_path = ''
as $$
begin
  if (select s.wake from baton.settings s) = 'listen' then
    perform pg_catalog.pg_notify('baton_wake', j.route) from baton.jobs j where j.name = p_job and j.paused_at is null;
  end if;
end
$$;

-- Definer, because writers have no rights in baton; and no error of waking ever fails the writer.
create or replace function baton.wake_job() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  perform baton.wake(tg_argv[0]);
  return null;
exception when others then
  raise warning 'baton: waking % failed: %', tg_argv[0], sqlerrm;
  return null;
end
$$;
