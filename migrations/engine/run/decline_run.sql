-- Logs a run that did nothing and builds its answer. Internal.
create function baton_api.decline_run(
  p_job text, p_status text, p_reason text, p_until timestamptz, p_trigger text, p_worker text, p_now timestamptz
) returns jsonb
language plpgsql
as $$
begin
  -- Nobody waits for the disk to hear no; a crash may take the last fraction of a second of such lines with it.
  perform set_config('synchronous_commit', 'off', true);
  perform baton_api.log_run(p_job, p_status, p_reason, null, p_trigger, p_worker, null, p_now, p_now);
  return jsonb_build_object('status', p_status, 'reason', p_reason, 'until', p_until);
end
$$;
comment on function baton_api.decline_run is 'Logs a run that did nothing and says why and until when (internal).';
