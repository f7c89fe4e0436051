-- The groups of a job whose items may not be taken now: as many attempts as they allow have some, their source asked for patience,
-- or they are drained. Those in p_locked are locked before they are counted, so that no other claim counts beside this one; one
-- whose lock cannot be had in time is closed, too. p_after: an attempt that the caller has settled. Internal. Locks: advisory, one for each group.
create function baton_api.closed_groups(p_job baton.jobs, p_locked uuid[], p_after uuid, p_now timestamptz) returns uuid[]
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
    select g.id
    from (
      select o.id, count(*) as attempts from baton.attempts a, unnest(a.group_ids) as o(id)
      where a.job = p_job.name and a.finished_at is null and a.claimed_at >= (select baton_api.mark_at('attempt_mark', p_job.lock_id))
        and a.id is distinct from p_after
      group by o.id
    ) c
    join baton.item_groups g on g.id = c.id
    where c.attempts >= g.max_parallel
    union all
    select g.id from baton.item_groups g
    where g.job = p_job.name and g.blocked_until > p_now and not baton_api.is_past(g.blocked_until, p_now, interval '1 hour')
    union all
    select g.id from baton.item_groups g where g.job = p_job.name and g.state = 'draining'
  );
end
$$;
comment on function baton_api.closed_groups is 'The groups of a job whose items may not be taken now (internal).';
