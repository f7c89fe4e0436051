-- Deletes sync jobs that ended long enough ago: chunk by chunk, then as a whole. Internal.
create function baton_api.prune_sync_jobs(p_limit int, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_keep constant interval := (select s.runs_kept_for from baton.settings s);
  v_old uuid[];
begin
  v_old := array(
    select i.id from (select j.id from baton.sync_jobs j where j.completed_at < p_now - v_keep order by j.completed_at limit 1) j
    join baton.items i on i.group_id = j.id
    limit p_limit);
  perform baton_api.delete_items(v_old);
  delete from baton.sync_jobs j where j.id in (
    select o.id from baton.sync_jobs o where o.completed_at < p_now - v_keep
      and not exists (select from baton.items i where i.group_id = o.id)
    order by o.completed_at limit p_limit for update skip locked);
  return cardinality(v_old);
end
$$;
comment on function baton_api.prune_sync_jobs is 'Deletes sync jobs that ended long enough ago (internal).';
