-- Refuses a caller that is neither the role of this job's component nor the owner. Internal. Raises 42501.
create function baton_api.check_role(p_job text) returns void
language plpgsql stable
as $$
begin
  if not exists (
    select from baton.component_roles c join pg_catalog.pg_roles r on r.rolname = c.role_name
    where c.component = p_job and pg_catalog.pg_has_role(session_user, r.oid, 'member'))
    and not pg_catalog.pg_has_role(session_user, (select n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'baton'), 'member')
  then
    raise exception 'role % may not work for job %', session_user, p_job using errcode = '42501';
  end if;
end
$$;
comment on function baton_api.check_role is 'Refuses a caller that is neither the role of this job nor the owner (internal).';
