-- The advisory locks held in this database, with the job they belong to, and beside them the live leases:
-- a claim holds its lock for milliseconds, and its lease for as long as it works.
create function baton_api.get_active_advisory_locks()
returns table (lock_id bigint, lock_name text, kind text, holder text, pid int, granted boolean, age interval, leased_until timestamptz)
language sql stable
security definer set search_path = ''
as $$
  select k.key, j.name, case when l.objsubid = 1 then 'lock' when l.objid = 0 then 'marks' else 'seat ' || l.objid::text end, coalesce(nullif(a.application_name, ''), a.usename::text), l.pid, l.granted,
         baton.clock() - coalesce(a.xact_start, a.state_change), null::timestamptz
  from pg_catalog.pg_locks l
  -- A bigint key is split over classid and objid, with objsubid 1; a seat is a pair of the job's number and its own.
  cross join lateral (select case when l.objsubid = 1 then (l.classid::bigint << 32) | l.objid::bigint else l.classid::bigint end as key) k
  left join baton.jobs j on j.lock_id = k.key
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  union all
  select j.lock_id, j.name, 'lease', t.worker, null, true, baton.clock() - t.claimed_at, t.leased_until
  from baton.attempts t join baton.jobs j on j.name = t.job
  where t.finished_at is null
$$;
comment on function baton_api.get_active_advisory_locks is 'Advisory locks and live leases, with their jobs, holders and ages.';
