-- The name of a role of this database. Roles belong to the whole server, so it contains the database's: `baton_<database>_<what for>`.
create or replace function baton.role_name(p_for text) returns text
language sql stable
set search_path = ''
as $$
  -- PostgreSQL cuts names after 63 bytes.
  select case when octet_length(n.whole) <= 63 then n.whole
    else 'baton_' || left(md5(pg_catalog.current_database()), 12) || '_' || replace(p_for, '-', '_') end
  from (select 'baton_' || pg_catalog.current_database() || '_' || replace(p_for, '-', '_') as whole) n
$$;

-- The role with which a component of this database logs in, without its login; it is made when absent.
-- A database that was
-- copied or renamed gets roles of its own, and the roles of the other one lose their rights here.
-- Raises 42501 when the role is missing and the caller may not create roles.
create or replace function baton.component_role(p_component text) returns text
language plpgsql
set search_path = ''
as $$
declare
  v_role constant text := baton.role_name(p_component);
  v_before text;
begin
  select r.role_name into v_before from baton.component_roles r where r.component = p_component;
  if not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
    begin
      execute format('create role %I nologin', v_role);
      -- Another server may have had one of this name, with a password.
      update baton.component_roles r set password_set_at = null, password_set_by = null where r.role_name = v_role;
    exception
      when duplicate_object or unique_violation then
        null;
      when insufficient_privilege then
        raise exception 'role % is missing, and % may not create roles', v_role, current_user
          using errcode = '42501', hint = format('let an administrator run: create role %I nologin;', v_role);
    end;
  end if;
  -- Components ask for it when they connect; some poolers drop what a connection asks for.
  if not exists (
    select from pg_catalog.pg_db_role_setting s join pg_catalog.pg_roles r on r.oid = s.setrole
    where r.rolname = v_role and 'default_transaction_isolation=read committed' = any (s.setconfig))
  then
    begin
      execute format('alter role %I set default_transaction_isolation = %L', v_role, 'read committed');
    exception when insufficient_privilege then
      -- An administrator made the role. Where it matters, check_isolation says what to do.
      null;
    end;
  end if;
  if v_before is distinct from v_role then
    if exists (select from pg_catalog.pg_roles r where r.rolname = v_before) then
      execute format('revoke all on all functions in schema baton, baton_api, baton_board from %I', v_before);
      execute format('revoke all on all tables in schema baton_board from %I', v_before);
      execute format('revoke all on schema baton_api, baton_board from %I', v_before);
    end if;
    insert into baton.component_roles (component, role_name) values (p_component, v_role)
    on conflict (component) do update set role_name = excluded.role_name, password_set_at = null, password_set_by = null;
  end if;
  return v_role;
end
$$;

-- Lets a component call these functions of baton_api.
create or replace function baton.allow(p_component text, variadic p_functions text[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_role constant text := baton.component_role(p_component);
  v_function text;
begin
  execute format('grant usage on schema baton_api to %I', v_role);
  foreach v_function in array p_functions loop
    execute format('grant execute on function baton_api.%I to %I', v_function, v_role);
  end loop;
end
$$;

-- Takes away what all but its owner may do with an object that was just made: platforms open new ones by default privileges.
create or replace function baton.close(p_object text, p_acl aclitem[], p_owner oid) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_grantee text;
begin
  for v_grantee in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end
    from aclexplode(p_acl) a where a.grantee <> p_owner
  loop
    execute format('revoke all on %s from %s', p_object, v_grantee);
  end loop;
end
$$;

-- Takes a component's rights away, and its role where nothing else needs it.
create or replace function baton.forbid(p_component text) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_role text;
begin
  delete from baton.component_roles r where r.component = p_component returning r.role_name into v_role;
  if v_role is null or not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
    return;
  end if;
  execute format('revoke all on all functions in schema baton, baton_api, baton_board from %I', v_role);
  execute format('revoke all on schema baton_api, baton_board from %I', v_role);
  begin
    execute format('drop role %I', v_role);
  exception when dependent_objects_still_exist or insufficient_privilege or object_in_use then
    null;
  end;
end
$$;
