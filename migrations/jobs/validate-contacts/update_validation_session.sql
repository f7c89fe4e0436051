-- Sets the counts of a running validation cycle by hand. Raises WK002 when there is no such running session.
create function baton_api.update_validation_session(p_session_id uuid, p_validated_count bigint, p_iteration int) returns boolean
language plpgsql
security definer set search_path = ''
as $$
begin
  update baton.cycles c set done_items = p_validated_count, iteration = p_iteration
  where c.id = p_session_id and c.job = 'validate-contacts' and c.status = 'running';
  if not found then
    raise exception 'there is no running session %', p_session_id using errcode = 'WK002';
  end if;
  return true;
end
$$;
comment on function baton_api.update_validation_session is 'Sets the counts of a running validation cycle by hand.';
