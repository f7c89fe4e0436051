-- Waits for a job's advisory lock, at most 200 ms; false when it could not be had. Internal.
create function baton_api.wait_for_turn(p_lock_id bigint) returns boolean
language plpgsql
as $$
declare
  v_before constant text := pg_catalog.current_setting('lock_timeout');
begin
  perform pg_catalog.set_config('lock_timeout', '200ms', true);
  perform pg_catalog.pg_advisory_xact_lock(p_lock_id);
  perform pg_catalog.set_config('lock_timeout', v_before, true);
  return true;
exception when lock_not_available then
  return false;
end
$$;
comment on function baton_api.wait_for_turn is 'Waits for a job''s advisory lock, but not long (internal).';
