-- Lets items that failed be tried again, with all their tries: one, or with null all of a job, longest failed first. One whose key
-- another item has by now stays as it is. For operators. Answers {"retried", "skipped"}. Raises WK002 when there is no such job,
-- WK004 when its items belong to groups. At most 10,000 at once. Locks: failed items, items.
create function baton_api.retry_items(p_job text, p_item_id uuid, p_who text) returns jsonb
language plpgsql
security definer set search_path = ''
as $$
declare
  v_now constant timestamptz := baton.clock();
  v_job baton.jobs;
  v_ids uuid[];
  v_priorities int[];
  v_taken int;
begin
  v_job := baton_api.job_of(p_job);
  if v_job.kind = 'groups' then
    raise exception 'job % retries the items of a group together', p_job using errcode = 'WK004', hint = 'It has a command of its own for that.';
  end if;
  perform pg_catalog.pg_advisory_xact_lock_shared(v_job.lock_id::int, 0);
  with chosen as materialized (
    select f.item_id from baton.failed_items f
    where f.job = p_job and (p_item_id is null or f.item_id = p_item_id)
    order by f.failed_at limit 10000 for update skip locked
  ), keyed as (
    insert into baton.item_keys as k (job, key, item_id)
    select i.job, i.key, i.id from chosen c join baton.items i on i.id = c.item_id where i.key is not null order by i.key
    on conflict (job, key) do update set until = null where k.item_id = excluded.item_id
    returning item_id
  ), retried as (
    update baton.items i set status = 'waiting', ended_at = null, attempts = 0, losses = 0
    from chosen c where i.id = c.item_id and (i.key is null or i.id in (select k.item_id from keyed k))
    returning i.id, i.priority
  ), moved as (
    delete from baton.failed_items f using retried r where f.item_id = r.id
  )
  select array_agg(r.id), array_agg(r.priority::int), (select count(*) from chosen) - count(*) into v_ids, v_priorities, v_taken from retried r;
  if v_ids is not null then
    perform baton.make_ready(v_job, v_ids, v_priorities, array_fill(null::timestamptz, array[cardinality(v_ids)]), v_now);
    insert into baton.events (noun, noun_id, from_state, to_state, who) values ('item', coalesce(p_item_id::text, p_job), 'failed', 'waiting', p_who);
  end if;
  return jsonb_build_object('retried', coalesce(cardinality(v_ids), 0), 'skipped', v_taken);
end
$$;
comment on function baton_api.retry_items is 'Lets items that failed be tried again.';
