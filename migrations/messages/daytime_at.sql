-- The first moment from p_at on at which it is not quiet in a zone: p_at itself by day, else the end of the night, by the
-- zone's own clock, so that a night in which clocks change ends when theirs say so. A zone that PostgreSQL does not
-- know is passed over. Internal.
create function baton_api.daytime_at(p_zone text, p_at timestamptz, p_from time, p_until time) returns timestamptz
language plpgsql stable
as $$
declare
  v_local timestamp;
begin
  v_local := timezone(p_zone, p_at);
  if (case when p_from <= p_until then v_local::time >= p_from and v_local::time < p_until
          else v_local::time >= p_from or v_local::time < p_until end)
  then
    -- Not before p_at: an hour that occurs twice has a first and a second end.
    return greatest(p_at, timezone(p_zone, v_local::date + p_until
      + case when p_from > p_until and v_local::time >= p_from then interval '1 day' else interval '0' end));
  end if;
  return p_at;
exception when invalid_parameter_value then
  return p_at;
end
$$;
comment on function baton_api.daytime_at is 'The first moment at which it is not quiet in a time zone (internal).';
