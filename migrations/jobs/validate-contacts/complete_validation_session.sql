-- Ends a validation cycle by hand. Safe to repeat with the same status.
-- Raises WK002 when there is no such session, WK003 when it has ended otherwise.
create function baton_api.complete_validation_session(
  p_session_id uuid, p_status text default 'completed', p_error_message text default null
) returns boolean
language plpgsql
security definer set search_path = ''
as $$
begin
  update baton.cycles c set status = p_status, error_message = coalesce(p_error_message, c.error_message)
  where c.id = p_session_id and c.job = 'validate-contacts';
  if not found then
    raise exception 'there is no session %', p_session_id using errcode = 'WK002';
  end if;
  return true;
end
$$;
comment on function baton_api.complete_validation_session is 'Ends a validation cycle by hand.';
