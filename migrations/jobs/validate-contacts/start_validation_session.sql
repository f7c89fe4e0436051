-- Starts a validation cycle by hand; the components work on it like on any other.
-- Raises 23P01 (only_one_running) while another one runs.
create function baton_api.start_validation_session(p_total_contacts bigint default null, p_config jsonb default '{}') returns uuid
language sql
security definer set search_path = ''
as $$
  insert into baton.cycles (job, total_items, trigger, config)
  values ('validate-contacts', p_total_contacts, 'manual', coalesce(p_config, '{}'))
  returning id
$$;
comment on function baton_api.start_validation_session is 'Starts a validation cycle by hand; 23P01 while another one runs.';
