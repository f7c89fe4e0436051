-- The latest sync job of a source, locked with its group. Internal. Raises WK002 when there is none. Locks: group, sync job.
create function baton_api.latest_sync_job(p_source text) returns baton.sync_jobs
language plpgsql
as $$
declare
  v_sync_job baton.sync_jobs;
begin
  perform from baton.item_groups g
  where g.id = (select j.id from baton.sync_jobs j where j.source = p_source order by j.created_at desc, j.id desc limit 1)
  for no key update;
  select j.* into v_sync_job from baton.sync_jobs j where j.source = p_source order by j.created_at desc, j.id desc limit 1 for no key update;
  if not found then
    raise exception 'there is no sync job of a source %', p_source using errcode = 'WK002';
  end if;
  return v_sync_job;
end
$$;
comment on function baton_api.latest_sync_job is 'The latest sync job of a source (internal).';
