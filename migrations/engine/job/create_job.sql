-- Makes a job of the application, or changes the one of this name: what is null stays, and begins as in brackets. For the owner.
--   batch_size       items of one call, 1 to 1,000 [20]
--   max_parallel     calls at the same time, 1 to 64 [1]
--   rate_per_minute  items that are started in a minute [no limit]; rate_burst items at once [100]
--   max_attempts     tries until an item has failed, 1 to 100 [20, over some 6 hours]
--   lease_seconds    after so long without a sign of life a call counts as dead, 4 to 300 [8]
--   route            the path of its component [/jobs/<name>]; base_url where it is, if it belongs to another deployment
--   items_kept_for   how long items that are completed are kept [3 days]
--   due, settled     for rows of the application in place of a queue: the view of what is due, with the columns id (text) and data
--                    (jsonb), and a function (id text, outcome text, detail text) that is told `done` or `failed`
-- Its component logs in with a role of its own; `baton roles set-passwords` gives it a password.
-- Raises WK004 when the job has its own claim, or an argument does not fit; a value out of range raises the name of the constraint
-- that says so; 42501 when the role is missing and the caller may not create it.
create or replace function baton.create_job(
  name text, batch_size int default null, max_parallel int default null, rate_per_minute int default null, rate_burst int default null,
  max_attempts int default null, lease_seconds int default null, route text default null, base_url text default null,
  items_kept_for interval default null, due regclass default null, settled regproc default null
) returns void
language plpgsql
as $$
#variable_conflict use_column
declare
  v_found baton.jobs;
  v_job baton.jobs;
begin
  if create_job.name is null or create_job.name !~ '^[a-z][a-z0-9-]{0,62}$' then
    raise exception 'name begins with a letter and has lower-case letters, digits and hyphens, 63 at most, not %', coalesce(create_job.name, 'null')
      using errcode = 'WK004';
  elsif create_job.settled is not null and create_job.due is null then
    raise exception 'settled goes with due: the view of what is due' using errcode = 'WK004';
  end if;
  select j.* into v_found from baton.jobs j where j.name = create_job.name for update;
  if v_found.kind in ('groups', 'custom') then
    raise exception 'job % is one of Baton''s own', create_job.name using errcode = 'WK004', hint = 'Give yours another name.';
  elsif v_found.kind <> (case when create_job.due is null then 'queue' else 'rows' end) then
    raise exception 'job % is of kind %', create_job.name, v_found.kind using errcode = 'WK004',
      hint = format('select baton.drop_job(%L) first.', create_job.name);
  end if;
  if create_job.due is not null then
    perform baton.check_due_view(create_job.due);
  end if;
  insert into baton.jobs as j (name, kind, route, batch_size, max_attempts, on_slot, runs_are_attempts, due_view)
  select create_job.name, case when create_job.due is null then 'queue' else 'rows' end, '/jobs/' || create_job.name, 20, 20,
    case when create_job.due is null then 'item' end, true, create_job.due
  where v_found.name is null
  on conflict (name) do nothing;
  update baton.jobs j
  set batch_size = coalesce(create_job.batch_size, j.batch_size), max_parallel = coalesce(create_job.max_parallel, j.max_parallel),
      rate_per_minute = coalesce(create_job.rate_per_minute, j.rate_per_minute), rate_burst = coalesce(create_job.rate_burst, j.rate_burst),
      max_attempts = coalesce(create_job.max_attempts, j.max_attempts), lease_seconds = coalesce(create_job.lease_seconds, j.lease_seconds),
      route = coalesce(create_job.route, j.route), base_url = coalesce(rtrim(create_job.base_url, '/'), j.base_url),
      items_kept_for = coalesce(create_job.items_kept_for, j.items_kept_for), due_view = coalesce(create_job.due, j.due_view)
  where j.name = create_job.name
  returning j.* into v_job;
  insert into baton.limiters (job, tokens) values (v_job.name, v_job.rate_burst) on conflict do nothing;
  perform baton.make_marks(v_job.lock_id);
  perform baton.lend_marks(v_job.lock_id);
  if create_job.settled is not null then
    perform baton.register_settled(v_job, create_job.settled, pg_catalog.current_setting('search_path'));
  end if;
  perform baton.allow(v_job.name, 'claim_items', 'settle_items', 'settle_items_as_text', 'extend_attempt');
  perform baton.let_functions_read(v_job.due_view);
  if v_found.name is null then
    insert into baton.events (noun, noun_id, to_state, who) values ('job', v_job.name, 'created', session_user);
  end if;
end
$$;
comment on function baton.create_job is 'Makes a job of the application, or changes the one of this name.';

-- Removes a job of the application with its items, attempts and log. For the owner.
-- Raises WK002 when there is no such job; WK004 when it is one of Baton's own, when an attempt is under way, and, unless discard, when items wait.
create or replace function baton.drop_job(name text, discard boolean default false) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_job baton.jobs;
  v_function text;
begin
  select j.* into v_job from baton.jobs j where j.name = drop_job.name for update;
  if not found then
    raise exception 'there is no job %', drop_job.name using errcode = 'WK002';
  elsif v_job.kind in ('groups', 'custom') then
    raise exception 'job % is one of Baton''s own', drop_job.name using errcode = 'WK004', hint = 'select baton_api.pause_job(…) stops it.';
  end if;
  -- No claim is under way, and none begins before this transaction ends.
  perform pg_catalog.pg_advisory_xact_lock(v_job.lock_id), pg_catalog.pg_advisory_xact_lock(v_job.lock_id::int, 0);
  if exists (select from baton.attempts a where a.job = v_job.name and a.finished_at is null) then
    raise exception 'an attempt of job % is under way', drop_job.name using errcode = 'WK004', hint = 'Pause the job, and drop it when the attempt has ended.';
  elsif not drop_job.discard and exists (select from baton.ready_items r where r.job = v_job.name) then
    raise exception 'items of job % wait', drop_job.name using errcode = 'WK004', hint = format('select baton.drop_job(%L, discard => true) deletes them.', drop_job.name);
  end if;
  select f.function into v_function from baton.job_functions f where f.job = v_job.name and f.hook = 'settled';
  delete from baton.ready_items r where r.job = v_job.name;
  delete from baton.item_keys k where k.job = v_job.name;
  delete from baton.failed_items f where f.job = v_job.name;
  delete from baton.item_tries t using baton.items i where i.job = v_job.name and t.item_id = i.id;
  delete from baton.items i where i.job = v_job.name;
  delete from baton.attempts a where a.job = v_job.name;
  delete from baton.runs r where r.job = v_job.name;
  delete from baton.slots s where s.job = v_job.name;
  delete from baton.schedules s where s.job = v_job.name;
  delete from baton.queue_samples q where q.job = v_job.name;
  delete from baton.limiters l where l.job = v_job.name;
  delete from baton.jobs j where j.name = v_job.name;
  if v_function is not null then
    execute format('drop function if exists %s(text, text, text)', v_function);
  end if;
  perform baton.drop_marks(v_job.lock_id);
  perform baton.forbid(v_job.name);
  insert into baton.events (noun, noun_id, to_state, who) values ('job', v_job.name, 'dropped', session_user);
end
$$;
comment on function baton.drop_job is 'Removes a job of the application with its items.';

create or replace function baton.check_due_view(p_view regclass) returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if (select array_agg(format('%s %s', a.attname, format_type(a.atttypid, null)) order by a.attname) from pg_catalog.pg_attribute a
      where a.attrelid = p_view and a.attnum > 0 and not a.attisdropped and a.attname in ('id', 'data')) is distinct from '{"data jsonb","id text"}'
  then
    raise exception 'view % needs the columns id (text) and data (jsonb)', p_view using errcode = 'WK004',
      hint = 'For example: select i.id::text, jsonb_build_object(…) as data from …';
  end if;
end
$$;

-- With whose rights Baton's functions run: those of a role of their own, where a superuser migrated, else of the role that migrated.
create or replace function baton.functions_owner() returns text
language sql stable
set search_path = ''
as $$ select p.proowner::regrole::text from pg_catalog.pg_proc p where p.oid = 'baton_api.claim_items'::regproc $$;

-- Lets Baton's functions read a view of the application.
create or replace function baton.let_functions_read(p_view regclass) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_role constant text := baton.functions_owner();
begin
  if p_view is not null and not has_table_privilege(v_role::regrole, p_view, 'select') then
    execute format('grant usage on schema %s to %s', (select c.relnamespace::regnamespace from pg_catalog.pg_class c where c.oid = p_view), v_role);
    execute format('grant select on %s to %s', p_view, v_role);
  end if;
end
$$;

-- Lets Baton's functions move the marks of a job that was made after the last migration.
create or replace function baton.lend_marks(p_lock_id bigint) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_role constant text := baton.functions_owner();
  v_name text;
begin
  foreach v_name in array '{rank_mark,retry_mark,attempt_mark,woken}'::text[] loop
    execute format('grant usage, select, update on sequence baton.%s_%s to %s', v_name, p_lock_id, v_role);
  end loop;
end
$$;

-- Lets Baton call a function of the application with its owner's rights: those of Baton's functions do not reach its tables.
-- A function of a superuser that writes tables of others would lend them these rights by their triggers, so it is refused.
-- It finds its tables by the search path of the caller of create_job.
create or replace function baton.register_settled(p_job baton.jobs, p_function regproc, p_search_path text) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_function pg_catalog.pg_proc;
  v_other text;
  v_wrapper constant text := 'settled_' || p_job.lock_id;
begin
  select p.* into v_function from pg_catalog.pg_proc p where p.oid = p_function;
  if v_function.proargtypes <> '25 25 25'::oidvector then
    raise exception 'function % needs the arguments id, outcome and detail, all text', p_function using errcode = 'WK004';
  end if;
  select c.oid::regclass::text into v_other
  from pg_catalog.pg_rewrite w
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
  join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p')
  join pg_catalog.pg_roles o on o.oid = c.relowner
  join pg_catalog.pg_roles f on f.oid = v_function.proowner
  where w.ev_class = p_job.due_view and f.rolsuper and not o.rolsuper limit 1;
  if v_other is not null then
    raise exception 'function % belongs to a superuser, and table % to another role, whose triggers would have a superuser''s rights', p_function, v_other
      using errcode = 'WK004', hint = format('alter function %s owner to the owner of the table.', p_function::oid::regprocedure);
  end if;
  execute format('create or replace function baton.%I(id text, outcome text, detail text) returns void language plpgsql security definer set search_path = %s '
    || 'as $body$ begin perform %s(id, outcome, detail); end $body$', v_wrapper, coalesce(nullif(p_search_path, ''), quote_literal('')), p_function::oid::regproc);
  perform baton.close('function ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner)
  from pg_catalog.pg_proc p where p.oid = to_regprocedure(format('baton.%I(text, text, text)', v_wrapper));
  execute format('alter function baton.%I owner to %s', v_wrapper, v_function.proowner::regrole);
  execute format('grant execute on function baton.%I to %s', v_wrapper, baton.functions_owner());
  insert into baton.job_functions as f (job, hook, function) values (p_job.name, 'settled', 'baton.' || v_wrapper)
  on conflict (job, hook) do update set function = excluded.function;
end
$$;
