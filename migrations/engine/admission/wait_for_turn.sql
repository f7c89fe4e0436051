-- Waits for an advisory lock, or for that of a seat, at most 200 ms; false when it could not be had. Internal.
create function baton_api.wait_for_turn(p_lock_id bigint, p_seat int) returns boolean
language plpgsql
as $$
declare
  v_before constant text := pg_catalog.current_setting('lock_timeout');
begin
  perform pg_catalog.set_config('lock_timeout', '200ms', true);
  if p_seat is null then
    perform pg_catalog.pg_advisory_xact_lock(p_lock_id);
  else
    perform pg_catalog.pg_advisory_xact_lock(p_lock_id::int, p_seat);
  end if;
  perform pg_catalog.set_config('lock_timeout', v_before, true);
  return true;
exception when lock_not_available then
  return false;
end
$$;
comment on function baton_api.wait_for_turn is 'Waits for an advisory lock, but not long (internal).';
