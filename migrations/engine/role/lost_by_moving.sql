-- What a database lacks that was copied, restored or renamed since its last migration, as sentences; none where nothing does.
-- `baton migrate` restores it. For operators.
create function baton_api.lost_by_moving() returns text[]
language sql stable
set search_path = ''
as $$
  select coalesce(array_agg(l.what order by l.place), '{}')
  from (
    select 1, 'the search path public, baton_board, baton_api, baton'
    from baton.known_database k where baton.was_moved() and k.sets_search_path and not baton.has_search_path('%')
    union all
    select 2, 'the roles ' || string_agg(baton.role_name(c.component), ', ' order by c.component)
    from baton.component_roles c
    where c.role_name <> baton.role_name(c.component) or not exists (select from pg_catalog.pg_roles r where r.rolname = c.role_name)
    having count(*) > 0
    union all
    select 3, 'rights of ' || string_agg(r.rolname, ', ' order by r.rolname)
    from baton.component_roles c join pg_catalog.pg_roles r on r.rolname = c.role_name
    where not has_schema_privilege(r.oid, 'baton_api', 'usage')
      or not exists (
        select from pg_catalog.pg_proc p
        where p.pronamespace = 'baton_api'::regnamespace and has_function_privilege(r.oid, p.oid, 'execute'))
    having count(*) > 0
    union all
    select 4, 'the right of writers to read baton.woken_123456789'
    where not exists (
      select from pg_catalog.pg_class c, aclexplode(c.relacl) a
      where c.oid = 'baton.woken_123456789'::regclass and a.grantee = 0 and a.privilege_type = 'SELECT')
    union all
    select 5, 'rights on functions that only roles of Baton have: PUBLIC has them'
    where exists (
      select from pg_catalog.pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where p.pronamespace::regnamespace::text in ('baton_api', 'baton_board') and p.prosecdef and a.grantee = 0)
  ) l(place, what)
$$;
comment on function baton_api.lost_by_moving is 'What a database lacks since it was copied, restored or renamed.';
