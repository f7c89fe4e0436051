-- What validate-contacts can do now, as due_work tells it. Internal.
create function baton_api.contacts_state(p_job baton.jobs, p_open baton_api.open_attempts, p_now timestamptz) returns jsonb
language plpgsql
as $$
begin
  return baton_api.cycle_state(p_job, p_open, p_now, exists (select from baton_api.due_contacts(p_now, baton_api.stale_before(p_now), null, 1)));
end
$$;
comment on function baton_api.contacts_state is 'What validate-contacts can do now (internal).';
