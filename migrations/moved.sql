-- What pg_dump leaves out of a database, and a copy does not take along: settings of the database and grants to others' roles.
-- Applied at every migration. Where the database is the one that was migrated before, what an operator changed stays.
do $$
declare
  v_known baton.known_database;
  v_moved constant boolean := baton.was_moved();
begin
  select k.* into v_known from baton.known_database k;
  if v_moved then
    if v_known.sets_search_path and not baton.has_search_path('%') then
      execute format('alter database %I set search_path = public, baton_board, baton_api, baton', current_database());
    end if;
    -- 0007 gives these rights where it makes the table.
    if to_regclass('public.job_queue') is not null and exists (select from pg_class c where c.oid = to_regclass('public.job_queue') and c.relrowsecurity)
      and not exists (select from baton.found_tables f where f.name = 'job_queue')
    then
      if exists (select from pg_roles r where r.rolname = 'service_role') then
        if not exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = 'job_queue' and p.policyname = 'the service may do everything') then
          create policy "the service may do everything" on public.job_queue to service_role using (true) with check (true);
        end if;
        grant select, insert, update, delete on public.job_queue to service_role;
      end if;
      if exists (select from pg_roles r where r.rolname = 'authenticated') and to_regclass('public.auto_syncs') is not null then
        grant select on public.job_queue, public.auto_syncs to authenticated;
      end if;
    end if;
    -- The database that this one was copied from may be at work: messages are held until an operator looked.
    update baton.settings s set server_history = 'another database' where s.server_history is not null;
    insert into baton.events (noun, noun_id, from_state, to_state, who)
    select 'database', current_database(), v_known.database_oid || coalesce('/' || v_known.server, ''),
           t.database_oid || coalesce('/' || t.server, ''), session_user from baton.this_database() t;
  end if;
  update baton.known_database k
  set database_oid = t.database_oid, server = coalesce(t.server, k.server),
      sets_search_path = baton.has_search_path('public, baton\_board, baton\_api, baton')
  from baton.this_database() t
  where (k.database_oid, k.server, k.sets_search_path)
    is distinct from (t.database_oid, coalesce(t.server, k.server), baton.has_search_path('public, baton\_board, baton\_api, baton'));
end
$$;
