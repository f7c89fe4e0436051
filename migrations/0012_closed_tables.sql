-- Default privileges, which platforms set, open what a migration makes. `schema` closes Baton's own schemas at every
-- migration; here is what an earlier release left open.

-- Functions and views of earlier releases: grants that the default privileges made. Grants that an operator gave stay.
do $$
declare
  v_grant record;
begin
  for v_grant in
    select o.object, a.privilege_type, case when a.grantee = 0 then 'public' else quote_ident(r.rolname) end as grantee
    from (
      select format('table %s', c.oid::regclass) as object, c.relacl as acl, c.relowner as owner, 'r'::"char" as kind
      from pg_class c where c.relnamespace::regnamespace::text = 'baton_board'
      union all
      select format('function %s', p.oid::regprocedure), p.proacl, p.proowner, 'f'
      from pg_proc p where p.pronamespace::regnamespace::text in ('baton_api', 'baton_board')
      union all
      select format('schema %I', n.nspname), n.nspacl, n.nspowner, 'n'
      from pg_namespace n where n.nspname in ('baton_api', 'baton_board')
    ) o
    cross join aclexplode(o.acl) a
    join pg_default_acl d on d.defaclrole in (o.owner, current_user::regrole) and d.defaclobjtype = o.kind and d.defaclnamespace = 0
    cross join aclexplode(d.defaclacl) b
    left join pg_roles r on r.oid = a.grantee
    where a.grantee <> o.owner and b.grantee = a.grantee and b.privilege_type = a.privilege_type
  loop
    execute format('revoke %s on %s from %s', v_grant.privilege_type, v_grant.object, v_grant.grantee);
  end loop;
end
$$;

-- Tables that a migration made in public: row-level security decides about rows, so roles keep the privileges that it
-- covers. PUBLIC keeps none, and no role what reaches past the policies: truncate, references, trigger and the like.
do $$
declare
  v_grant record;
begin
  if to_regclass('baton.found_tables') is null then
    return;
  end if;
  for v_grant in
    select c.oid::regclass as name, a.privilege_type, case when a.grantee = 0 then 'public' else quote_ident(r.rolname) end as grantee
    from pg_class c
    cross join aclexplode(c.relacl) a
    left join pg_roles r on r.oid = a.grantee
    where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner
      and c.relname in ('contacts', 'synced_emails', 'assignments', 'activities', 'crews', 'crew_members', 'auto_syncs',
        'auto_sync_responses', 'auto_sync_messages', 'job_queue')
      and not exists (select from baton.found_tables f where f.name = c.relname)
      and (a.grantee = 0 or a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
  loop
    execute format('revoke %s on table %s from %s', v_grant.privilege_type, v_grant.name, v_grant.grantee);
  end loop;
end
$$;
