-- Locks those of an attempt's groups that its settlement may change: a chunk brought something for its sync job, or no chunk of it waits
-- any more, so that it may end. Answers their ids. Internal.
-- A group of which a chunk still waits is ended by the attempt that takes the last one. That attempt must see this one closed, so it
-- waits for the end of this transaction: settlements share an advisory lock of the group, and one that may be the last has it alone.
-- All locks are taken in the order of the groups' ids, because settlements that take them otherwise can deadlock.
-- Locks: advisory, one for each group, groups.
create function baton_api.lock_touched_groups(p_attempt baton.attempts, p_group_ids uuid[], p_outcomes jsonb) returns uuid[]
language plpgsql
as $$
begin
  -- From the end, because the last ones are done last: as a rule one of them is still there.
  perform case when l.waits then pg_catalog.pg_advisory_xact_lock_shared(l.key) else pg_catalog.pg_advisory_xact_lock(l.key) end
  from (
    select pg_catalog.uuid_hash_extended(o.id, 1) as key,
           (select true from baton.ready_items r where r.group_id = o.id order by r.rank desc limit 1) is not null as waits
    from (select u.id from unnest(p_group_ids) as u(id) order by u.id) o) l;
  -- Looks again: meanwhile the last one may have been taken.
  return array(
    select g.id from baton.item_groups g
    where g.id = any (p_group_ids)
      and ((select true from baton.ready_items r where r.group_id = g.id order by r.rank desc limit 1) is null or g.id in (
        select i.group_id
        from jsonb_array_elements(p_outcomes) as o(given)
        join baton.items i on i.id = (o.given->>'id')::uuid and i.id::text = any (p_attempt.item_ids)
        where baton_api.brings_something(o.given)))
    order by g.id for no key update of g);
end
$$;
comment on function baton_api.lock_touched_groups is 'Locks the groups that a settlement of chunks may change (internal).';
