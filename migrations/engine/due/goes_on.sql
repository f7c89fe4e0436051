-- Whether whoever calls with this trigger calls again by itself, as the answer asks for, so that nobody need wake it. Internal.
create function baton_api.goes_on(p_trigger text) returns boolean
language plpgsql stable
as $$
begin
  return p_trigger in ('tick', 'next') or p_trigger = 'wake' and (select s.wake = 'listen' from baton.settings s);
end
$$;
comment on function baton_api.goes_on is 'Whether a caller with this trigger calls again by itself (internal).';
