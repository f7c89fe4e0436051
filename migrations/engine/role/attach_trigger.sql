-- Makes a trigger on a table, or replaces one of that name whose definition differs. p_definition is what follows the name, with
-- %s for the table. Making a trigger takes a lock that writers wait for, so one that is right is left alone, disabled or not.
-- The definitions are compared as PostgreSQL writes them, for which the new one is made on an empty copy of the table.
create or replace function baton.attach_trigger(p_table regclass, p_name text, p_definition text) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_wanted text;
  v_found text;
begin
  execute format('create temp table baton_copy (like %s)', p_table);
  execute format('create trigger %I ', p_name) || format(p_definition, 'pg_temp.baton_copy');
  select baton.definition_of_trigger(t.oid) into v_wanted from pg_catalog.pg_trigger t where t.tgrelid = 'pg_temp.baton_copy'::regclass;
  drop table pg_temp.baton_copy;
  select baton.definition_of_trigger(t.oid) into v_found from pg_catalog.pg_trigger t where t.tgrelid = p_table and t.tgname = p_name;
  if v_found is distinct from v_wanted then
    execute format('create or replace trigger %I ', p_name) || format(p_definition, p_table);
  end if;
end
$$;

-- The definition of a trigger without its table.
create or replace function baton.definition_of_trigger(p_trigger oid) returns text
language sql stable
set search_path = ''
as $$
  select replace(pg_catalog.pg_get_triggerdef(t.oid),
    format(' ON %I.%I ', case when n.oid = pg_catalog.pg_my_temp_schema() then 'pg_temp' else n.nspname end, c.relname), ' ')
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where t.oid = p_trigger
$$;
