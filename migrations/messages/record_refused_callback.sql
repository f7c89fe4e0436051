-- Counts a callback whose signature was wrong: p_route is status | inbound. Strangers may call as often as they like, so that
-- within a second of the last count nothing is written, and no caller waits for a lock. After a day without any, the count begins anew.
-- Answers {"status": counted | ignored}. Raises WK004 for another route. Locks: refused callbacks, which it skips when locked.
create function baton_api.record_refused_callback(p_route text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
begin
  if p_route is null or p_route not in ('status', 'inbound') then
    raise exception 'the route is status or inbound' using errcode = 'WK004';
  end if;
  if exists (select from baton.refused_callbacks c where c.route = p_route and c.last_at > v_now - interval '1 second' and c.last_at <= v_now) then
    return '{"status": "ignored"}';
  end if;
  update baton.refused_callbacks c
  set refused = case when l.goes_on then c.refused else 0 end + 1,
      first_at = case when l.goes_on then c.first_at else v_now end,
      last_at = v_now
  from (
    select o.route, o.refused > 0 and o.last_at > v_now - interval '1 day' as goes_on
    from baton.refused_callbacks o where o.route = p_route for update skip locked
  ) l
  where c.route = l.route;
  return jsonb_build_object('status', case when found then 'counted' else 'ignored' end);
end
$$;
comment on function baton_api.record_refused_callback is 'Counts a callback whose signature was wrong.';
