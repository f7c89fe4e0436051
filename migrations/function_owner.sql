-- A function that runs with its owner's rights lends them to the triggers, defaults and policies of the tables that it writes,
-- and so to the owners of these tables. Where a superuser migrates, such functions therefore belong to a role of their own:
-- without login, a member of nothing, with what Baton needs and nothing else. Applied at every migration. Where another role
-- migrates, that role owns them, and lends what it has.
do $$
declare
  v_role constant text := baton.role_name('functions');
  v_found pg_catalog.pg_roles;
  v_grant record;
  v_name text;
begin
  if not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) then
    return;
  end if;
  if not exists (select from pg_catalog.pg_roles r where r.rolname = v_role) then
    begin
      -- It bypasses row-level security like the owner of the tables, in whose place it works.
      execute format('create role %I nologin noinherit bypassrls', v_role);
    exception when duplicate_object or unique_violation then
      null;
    end;
  end if;
  select r.* into v_found from pg_catalog.pg_roles r where r.rolname = v_role;
  if v_found.rolsuper or v_found.rolcanlogin or v_found.rolcreaterole or v_found.rolcreatedb or v_found.rolreplication
    or exists (select from pg_catalog.pg_auth_members m where m.member = v_found.oid)
  then
    raise exception 'role % has rights that Baton''s functions must not have', v_role
      using hint = format('give that role another name: alter role %I rename to …', v_role);
  end if;

  execute format('grant usage on schema public, baton, baton_api, baton_board to %I', v_role);
  execute format('grant select, insert, update, delete on all tables in schema baton to %I', v_role);
  execute format('grant select on all tables in schema baton_board to %I', v_role);
  execute format('grant usage, select, update on all sequences in schema baton to %I', v_role);
  execute format('grant execute on all functions in schema baton, baton_api, baton_board to %I', v_role);
  if to_regnamespace('net') is not null then
    execute format('grant usage on schema net to %I', v_role);
    execute format('grant execute on all functions in schema net to %I', v_role);
  end if;

  for v_grant in
    select g.table_name, g.privilege, g.columns
    from (values
      ('contacts', 'select', null),
      ('contacts', 'update', '{email_validation_status,email_validation_reason,email_validation_evidence,external_heartbeat_checked_at,email_validation_valid_until,email_validation_retry_at,email_validation_tries,email_validation_cycle_id}'::text[]),
      ('assignments', 'select', null),
      ('assignments', 'update', '{last_contact_date,last_reminder_at}'),
      ('crews', 'select', null),
      ('crew_members', 'select', null),
      ('auto_syncs', 'select', null),
      ('auto_syncs', 'update', '{status,paused_at}'),
      ('auto_sync_responses', 'select', null),
      ('auto_sync_messages', 'select', null),
      ('auto_sync_messages', 'insert', null),
      ('auto_sync_messages', 'update', '{status,body,sent_at}'),
      ('job_queue', 'select', null), ('job_queue', 'insert', null), ('job_queue', 'update', null), ('job_queue', 'delete', null),
      ('synced_emails', 'select', null), ('synced_emails', 'insert', null), ('synced_emails', 'update', null), ('synced_emails', 'delete', null)
    ) g(table_name, privilege, columns)
    join pg_catalog.pg_class c on c.relname = g.table_name and c.relnamespace = to_regnamespace('public')
    -- What it has already is not granted again, for a grant changes the row of the table in the catalog.
    where case when g.columns is null then not has_table_privilege(v_role, c.oid, g.privilege)
      else exists (select from unnest(g.columns) n where not has_column_privilege(v_role, c.oid, n, g.privilege)) end
  loop
    execute format('grant %s %s on public.%I to %I', v_grant.privilege,
      coalesce((select '(' || string_agg(quote_ident(n), ', ') || ')' from unnest(v_grant.columns) n), ''), v_grant.table_name, v_role);
  end loop;
  -- A default that draws from a sequence draws with the rights of the inserting role.
  for v_name in
    select d.objid::regclass::text from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid
    where d.deptype = 'a' and d.refobjid in (to_regclass('public.auto_sync_messages'), to_regclass('public.job_queue'), to_regclass('public.synced_emails'))
      and case when s.relkind = 'S' then not has_sequence_privilege(v_role, s.oid, 'usage') else false end
  loop
    execute format('grant usage on sequence %s to %I', v_name, v_role);
  end loop;

  for v_name in
    select p.oid::regprocedure::text from pg_catalog.pg_proc p
    where p.pronamespace::regnamespace::text in ('baton', 'baton_api', 'baton_board') and p.prosecdef and p.proowner <> v_found.oid
      -- These call functions of the application, with the rights of their owners.
      and p.oid::regproc::text not in (select f.function from baton.job_functions f where f.hook = 'settled')
  loop
    execute format('alter function %s owner to %I', v_name, v_role);
  end loop;
  perform baton.let_functions_read(j.due_view) from baton.jobs j where j.due_view is not null;
end
$$;
