-- A callback of this route was right, so those before it were refused for another reason than the settings. Internal.
-- Locks: refused callbacks, which it skips when locked.
create function baton_api.forget_refused_callbacks(p_route text) returns void
language sql
as $$
  update baton.refused_callbacks c set refused = 0, first_at = null
  from (select o.route from baton.refused_callbacks o where o.route = p_route and o.refused > 0 for update skip locked) l
  where c.route = l.route
$$;
comment on function baton_api.forget_refused_callbacks is 'Begins the count of refused callbacks anew (internal).';
