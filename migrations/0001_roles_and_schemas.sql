-- Who may do what: `baton` belongs to its owner alone, `baton_worker` calls functions of `baton_api`,
-- `baton_viewer` reads `baton_board`. The two code schemas are rebuilt from their files at every migration.

-- Roles belong to the whole cluster, so another database may have made them, or be making them now.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['baton_worker', 'baton_viewer'] loop
    if not exists (select from pg_roles r where r.rolname = v_role) then
      begin
        execute format('create role %I nologin', v_role);
      exception when duplicate_object or unique_violation then
        null;
      end;
    end if;
  end loop;
end
$$;

create schema if not exists baton;
comment on schema baton is 'The state of Baton; nobody but the owner has rights here.';

-- The one clock. Wall time, not transaction time: a claim may have waited for a lock.
create function baton.clock() returns timestamptz
language sql volatile
as $$ select clock_timestamp() $$;
comment on function baton.clock() is 'The time by which everything in Baton is decided.';

-- The operators' statements name no schema. A database with a search path of its own keeps it.
do $$
begin
  if not exists (
    select from pg_db_role_setting s
    where s.setdatabase = (select oid from pg_database where datname = current_database())
      and s.setrole = 0
      and exists (select from unnest(s.setconfig) as c where c like 'search_path=%')
  ) then
    execute format('alter database %I set search_path = public, baton_board, baton_api, baton', current_database());
  end if;
end
$$;
