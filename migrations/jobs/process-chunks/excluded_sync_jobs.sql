-- The sync jobs whose chunks may not be taken now: the source has all the calls it allows, it asked to wait, or the
-- sync job has ended. Those in p_locked are locked before they are counted, so that no other claim counts beside this
-- one; one whose lock cannot be had in time is excluded, too. Internal. Locks: advisory, one for each sync job.
create function baton_api.excluded_sync_jobs(p_now timestamptz, p_locked uuid[]) returns uuid[]
language plpgsql
as $$
declare
  v_id uuid;
  v_contended uuid[] := '{}';
begin
  foreach v_id in array p_locked loop
    if not (pg_catalog.pg_try_advisory_xact_lock(pg_catalog.uuid_hash_extended(v_id, 0))
            or baton_api.wait_for_turn(pg_catalog.uuid_hash_extended(v_id, 0), null)) then
      v_contended := v_contended || v_id;
    end if;
  end loop;
  return v_contended || array(
    select j.id
    from (
      select o.id, count(*) as calls from baton.attempts a, unnest(a.sync_job_ids) as o(id)
      where a.job = 'process-chunks' and a.finished_at is null and a.claimed_at >= (select baton_api.mark_at('attempt_mark', 123456790))
      group by o.id
    ) g
    join baton.sync_jobs j on j.id = g.id
    join baton.sources s on s.name = j.source
    where g.calls >= s.max_parallel
    union all
    select j.id from baton.sources s join baton.sync_jobs j on j.source = s.name and j.status in ('pending', 'processing')
    where s.blocked_until > p_now and not baton_api.is_past(s.blocked_until, p_now, interval '1 hour')
    union all
    select j.id from baton.sync_jobs j where j.draining
  );
end
$$;
comment on function baton_api.excluded_sync_jobs is 'The sync jobs whose chunks may not be taken now (internal).';
