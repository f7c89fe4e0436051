-- Which database this is. A dump that is restored, and a copy, have another oid; another server has another identifier, which
-- some platforms do not tell.
create or replace function baton.this_database(out database_oid bigint, out server text)
language plpgsql stable
set search_path = ''
as $$
begin
  select d.oid into database_oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database();
  select c.system_identifier::text into server from pg_catalog.pg_control_system() c;
exception when others then
  null;
end
$$;

-- Whether this is another database than the one that was last migrated.
create or replace function baton.was_moved() returns boolean
language sql stable
set search_path = ''
as $$
  select coalesce(k.database_oid <> t.database_oid or k.server <> t.server, false)
  from baton.known_database k cross join baton.this_database() t
$$;

-- Whether the database has a search path of its own.
create or replace function baton.has_search_path(p_path text) returns boolean
language sql stable
set search_path = ''
as $$
  select exists (
    select from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c
    where s.setdatabase = (select t.database_oid from baton.this_database() t)::oid and s.setrole = 0 and c like 'search_path=' || p_path)
$$;
