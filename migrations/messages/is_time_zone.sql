-- Whether PostgreSQL knows a time zone of this name. Internal.
create function baton_api.is_time_zone(p_zone text) returns boolean
language plpgsql stable
as $$
begin
  perform timezone(p_zone, timestamptz 'epoch');
  return p_zone is not null and p_zone like '%_/_%' or p_zone in ('UTC', 'GMT');
exception when invalid_parameter_value then
  return false;
end
$$;
comment on function baton_api.is_time_zone is 'Whether PostgreSQL knows a time zone of this name (internal).';
