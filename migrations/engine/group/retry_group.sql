-- Lets items of a group that failed or were cancelled be tried again, with all their tries, at most 10,000, and opens the group;
-- how many. Internal; the caller has locked the group. Locks: the shared lock of the marks, items.
create function baton_api.retry_group(p_job baton.jobs, p_group_id uuid, p_now timestamptz) returns int
language plpgsql
as $$
declare
  v_from bigint;
  v_rows int;
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(p_job.lock_id::int, 0);
  v_from := baton_api.mark('rank_mark', p_job.lock_id);
  with chosen as materialized (
    select i.id from baton.items i where i.group_id = p_group_id and i.status in ('failed', 'cancelled') order by i.id limit 10000 for update
  ), retried as (
    update baton.items i set status = 'waiting', ended_at = null, attempts = 0, losses = 0 from chosen c where i.id = c.id
  ), moved as (
    delete from baton.failed_items f using chosen c where f.item_id = c.id
  )
  insert into baton.ready_items (job, priority, rank, item_id, group_id)
  select p_job.name, 0, v_from + 1000 * (row_number() over (order by c.id) - 1), c.id, p_group_id from chosen c;
  get diagnostics v_rows = row_count;
  update baton.item_groups g set state = 'open' where g.id = p_group_id and v_rows > 0;
  return v_rows;
end
$$;
comment on function baton_api.retry_group is 'Lets items of a group that failed or were cancelled be tried again (internal).';
