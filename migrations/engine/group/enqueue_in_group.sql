-- Adds items to a group, in the order of p_data, an array; how many. They stand in the queue behind the group's own earlier ones and
-- level with those of other groups, however many they are (start-time fair queueing). Internal; the caller has locked the group.
-- Locks: the shared lock of the marks.
create function baton_api.enqueue_in_group(p_job baton.jobs, p_group_id uuid, p_data jsonb, p_now timestamptz) returns int
language plpgsql
as $$
declare
  -- As far apart as items that were enqueued one after another.
  v_step constant int := 1000;
  v_from bigint;
  v_added int;
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(p_job.lock_id::int, 0);
  select greatest(g.next_rank, baton_api.mark('rank_mark', p_job.lock_id)) into v_from from baton.item_groups g where g.id = p_group_id;
  with given as materialized (
    select baton.ordered_id() as id, e.value as data, e.ordinality - 1 as n from jsonb_array_elements(p_data) with ordinality e
  ), added as (
    insert into baton.items (id, job, group_id, data, created_at) select g.id, p_job.name, p_group_id, g.data, p_now from given g order by g.n
  )
  insert into baton.ready_items (job, priority, rank, item_id, group_id)
  select p_job.name, 0, v_from + g.n * v_step, g.id, p_group_id from given g order by g.n;
  get diagnostics v_added = row_count;
  update baton.item_groups g set next_rank = v_from + v_added * v_step where g.id = p_group_id;
  return v_added;
end
$$;
comment on function baton_api.enqueue_in_group is 'Adds items to a group (internal).';
