-- Until when nothing may be sent to who may be in any of these zones; null when it may be sent now. Where no hour of a
-- week is by day in all of them, infinity: only a time zone of the recipient's own helps. Internal.
create function baton_api.quiet_until(p_zones text[], p_now timestamptz, p_from time, p_until time) returns timestamptz
language plpgsql stable
as $$
declare
  v_at timestamptz := p_now;
  v_next timestamptz;
begin
  -- Each round ends somebody's night; the world has fewer different ones than this in a week.
  for i in 1 .. 300 loop
    select max(baton_api.daytime_at(z, v_at, p_from, p_until)) into v_next from unnest(p_zones) as z;
    if v_next is null or v_next = v_at then
      return nullif(v_at, p_now);
    end if;
    v_at := v_next;
    exit when v_at > p_now + interval '7 days';
  end loop;
  return 'infinity';
end
$$;
comment on function baton_api.quiet_until is 'Until when it is night in any of the zones; null by day (internal).';
