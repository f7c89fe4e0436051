-- Adds an item to the queue of a job, in the caller's transaction: it is there when that commits, and not before. For
-- applications; the owner grants it: grant usage on schema baton, execute on function baton.enqueue.
--   key       what the application knows the item by; while an item with this key waits or is under way, none is added
--   run_at    not before this moment; null for at once
--   priority  the smallest first, 0 as a rule
-- Answers the item's id, or that of the item that has the key already. Waits for no other but the transaction that adds the same key.
-- Raises WK002 when there is no such job, WK004 for a malformed argument, or a job without a queue of items.
-- Locks: the shared lock of the marks.
create or replace function baton.enqueue(
  job text, data jsonb default '{}', key text default null, run_at timestamptz default null, priority int default 0
) returns uuid
language plpgsql
security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := baton.clock();
  v_id constant uuid := baton.ordered_id();
  v_job constant baton.jobs := baton.queue_of(enqueue.job);
  v_taken uuid;
begin
  perform baton.check_item(enqueue.run_at, enqueue.priority, enqueue.key, enqueue.data, v_now);
  if enqueue.key is not null then
    loop
      insert into baton.item_keys (job, key, item_id) values (v_job.name, enqueue.key, v_id) on conflict do nothing;
      exit when found;
      select k.item_id into v_taken from baton.item_keys k where k.job = v_job.name and k.key = enqueue.key;
      if found then
        return v_taken;
      end if;
    end loop;
  end if;
  perform pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  insert into baton.items (id, job, key, data, priority, created_at)
  values (v_id, v_job.name, enqueue.key, coalesce(enqueue.data, '{}'), coalesce(enqueue.priority, 0), v_now);
  perform baton.make_ready(v_job, array[v_id], array[coalesce(enqueue.priority, 0)], array[enqueue.run_at], v_now);
  return v_id;
end
$$;
comment on function baton.enqueue is 'Adds an item to the queue of a job, in the caller''s transaction.';

-- Adds many items at once: an array of objects with data, key, run_at and priority, all optional. Otherwise like enqueue.
-- Answers how many were added; the others have a key that is taken.
create or replace function baton.enqueue_many(job text, items jsonb) returns int
language plpgsql
security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := baton.clock();
  v_milliseconds constant bigint := extract(epoch from clock_timestamp()) * 1000;
  v_rank constant bigint := baton_api.microseconds(v_now);
  v_job constant baton.jobs := baton.queue_of(enqueue_many.job);
  v_added int;
  v_waits_until timestamptz;
  v_is_due boolean;
begin
  if jsonb_typeof(enqueue_many.items) is distinct from 'array' or jsonb_path_exists(enqueue_many.items, '$[*] ? (@.type() != "object")') then
    raise exception 'items are an array of objects with data, key, run_at and priority' using errcode = 'WK004';
  end if;
  -- What is short and plain needs no look; escapes make a character six times as long at most.
  perform baton.check_item(g.run_at, g.priority, g.key, g.data, v_now)
  from jsonb_to_recordset(enqueue_many.items) as g(run_at timestamptz, priority int, key text, data jsonb)
  where g.run_at is not null or g.priority is not null or g.key is not null or pg_column_size(g.data) > 32768;
  perform pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  with given as materialized (
    select baton.nth_id(v_milliseconds, g.n) as id, g.n, coalesce(g.data, '{}') as data, g.key, g.run_at, coalesce(g.priority, 0) as priority
    from rows from (jsonb_to_recordset(enqueue_many.items) as (data jsonb, key text, run_at timestamptz, priority int)) with ordinality
      as g(data, key, run_at, priority, n)
  ), keyed as (
    -- In the order of the keys, so that two that add the same ones cannot wait for each other.
    insert into baton.item_keys (job, key, item_id)
    select distinct on (g.key) v_job.name, g.key, g.id from given g where g.key is not null order by g.key, g.n
    on conflict do nothing
    returning item_id
  ), added as materialized (
    select g.* from given g where g.key is null or g.id in (select k.item_id from keyed k)
  ), stored as (
    insert into baton.items (id, job, key, data, priority, created_at)
    select a.id, v_job.name, a.key, a.data, a.priority, v_now from added a
  ), readied as (
    insert into baton.ready_items (job, priority, rank, run_at, item_id)
    select v_job.name, a.priority, v_rank + a.n - 1, case when a.run_at > v_now then a.run_at end, a.id from added a
  )
  select count(*), min(a.run_at) filter (where a.run_at > v_now), coalesce(bool_or(a.run_at is null or a.run_at <= v_now), false)
  into v_added, v_waits_until, v_is_due from added a;
  perform baton.announce_ready(v_job, v_rank, v_waits_until, v_is_due);
  return v_added;
end
$$;
comment on function baton.enqueue_many is 'Adds many items to the queue of a job at once.';

-- Cancels the item that has this key, if no attempt has it; whether it did. For applications.
create or replace function baton.cancel(job text, key text) returns boolean
language plpgsql
security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_item_id uuid;
begin
  select k.item_id into v_item_id from baton.item_keys k where k.job = cancel.job and k.key = cancel.key;
  return found and (baton_api.cancel_item(cancel.job, v_item_id, session_user::text)->>'cancelled')::boolean;
end
$$;
comment on function baton.cancel is 'Cancels the item of a job that has this key, if it is not under way.';

-- The job, which must have a queue of items that applications fill.
create or replace function baton.queue_of(p_job text) returns baton.jobs
language plpgsql stable
set search_path = ''
as $$
declare
  v_job baton.jobs;
begin
  select j.* into v_job from baton.jobs j where j.name = p_job;
  if not found then
    raise exception 'there is no job %', coalesce(p_job, 'null') using errcode = 'WK002', hint = 'select baton.create_job(…) makes one.';
  elsif v_job.kind <> 'queue' then
    raise exception 'job % has no queue that items can be added to', p_job using errcode = 'WK004',
      hint = case v_job.kind when 'rows' then 'Its items are the rows of view ' || v_job.due_view || '.' else 'It finds its work in tables of its own.' end;
  end if;
  return v_job;
end
$$;

create or replace function baton.check_item(p_run_at timestamptz, p_priority int, p_key text, p_data jsonb, p_now timestamptz) returns void
language plpgsql immutable
set search_path = ''
as $$
begin
  if not isfinite(p_run_at) or p_run_at > p_now + interval '10 years' then
    raise exception 'run_at is a moment within the next 10 years, not %', p_run_at using errcode = 'WK004';
  elsif p_priority not between -32768 and 32767 then
    raise exception 'priority is an integer from -32768 to 32767, not %', p_priority using errcode = 'WK004';
  elsif length(p_key) not between 1 and 200 then
    raise exception 'key has from 1 to 200 characters, not %', length(p_key) using errcode = 'WK004';
  elsif octet_length(p_data::text) > 262144 then
    raise exception 'data is at most 256 KiB of JSON, not % bytes', octet_length(p_data::text) using errcode = 'WK004',
      hint = 'Keep what is large in a table of your own, and enqueue its key.';
  end if;
end
$$;

-- The nth id, from 1, of many that are made in one millisecond since 1970: a UUID of version 7 that counts, so that they sort in this
-- order (RFC 9562, section 6.2, method 1).
create or replace function baton.nth_id(p_milliseconds bigint, p_n bigint) returns uuid
language sql volatile
as $$
  select (lpad(to_hex(p_milliseconds + (p_n >> 12)), 12, '0') || '7' || lpad(to_hex(p_n & 4095), 3, '0') || substr(gen_random_uuid()::text, 20))::uuid
$$;

-- Makes items ready that an operator lets be tried again, and wakes the job. The caller holds the shared lock of the marks.
create or replace function baton.make_ready(p_job baton.jobs, p_ids uuid[], p_priorities int[], p_run_at timestamptz[], p_now timestamptz) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_rank constant bigint := baton_api.microseconds(p_now);
begin
  insert into baton.ready_items (job, priority, rank, run_at, item_id)
  select p_job.name, g.priority, v_rank + g.n - 1, case when g.run_at > p_now then g.run_at end, g.id
  from unnest(p_ids, p_priorities, p_run_at) with ordinality as g(id, priority, run_at, n);
  perform baton.announce_ready(p_job, v_rank, min(r) filter (where r > p_now), coalesce(bool_or(r is null or r <= p_now), false)) from unnest(p_run_at) r;
end
$$;

-- Lets claims see items that were made ready, and wakes the job if one is due. p_rank: the smallest; p_waits_until: the first of those that
-- wait. The caller holds the shared lock of the marks.
create or replace function baton.announce_ready(p_job baton.jobs, p_rank bigint, p_waits_until timestamptz, p_is_due boolean) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_retry constant bigint := baton_api.microseconds(p_waits_until);
begin
  -- The clock may have been set back.
  if p_rank < baton_api.mark('rank_mark', p_job.lock_id) then
    perform baton_api.set_mark('rank_mark', p_job.lock_id, p_rank);
  end if;
  if v_retry < baton_api.mark('retry_mark', p_job.lock_id) then
    perform baton_api.set_mark('retry_mark', p_job.lock_id, v_retry);
  end if;
  if p_is_due then
    begin
      perform baton.wake_for_writer(p_job.name);
    exception when others then
      raise warning 'baton: waking % failed: %', p_job.name, sqlerrm;
    end;
  end if;
end
$$;
