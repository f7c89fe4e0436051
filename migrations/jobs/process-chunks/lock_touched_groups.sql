-- Locks the groups of an attempt that its settlement may change: a chunk brought something for its sync job, or no chunk of it waits
-- any more, so that it may end. All at once, in the order of their ids: settlements that lock them one by one can deadlock. Answers
-- their ids. p_brings: whether any of them
-- brought something. A group of which a chunk still waits is ended by whichever attempt takes that one. Internal. Locks: groups.
create function baton_api.lock_touched_groups(p_attempt baton.attempts, p_outcomes jsonb, p_brings boolean) returns uuid[]
language plpgsql
as $$
begin
  -- From the end, because the last ones are done last: as a rule one of them is still there.
  return array(
    select g.id from baton.item_groups g
    where g.id = any (p_attempt.group_ids)
      and ((select true from baton.ready_items r where r.group_id = g.id order by r.rank desc limit 1) is null or g.id in (
        select i.group_id
        from jsonb_array_elements(p_outcomes) as o(given)
        join baton.items i on i.id = (o.given->>'id')::uuid and i.id::text = any (p_attempt.item_ids)
        where p_brings and baton_api.brings_something(o.given)))
    order by g.id for no key update of g);
end
$$;
comment on function baton_api.lock_touched_groups is 'Locks the groups that a settlement of chunks may change (internal).';
