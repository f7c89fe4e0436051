-- Takes due rows of the application into the queue, at most p_limit that are not in it: the key of the item is the row's id. A
-- row whose data is too long fails at once, and stops no other. Internal. Locks: keys of items.
create function baton_api.feed_rows(p_job baton.jobs, p_limit int, p_now timestamptz) returns void
language plpgsql
as $$
begin
  -- The view is the application's, so its name is not known here.
  execute pg_catalog.format($sql$
    with due as materialized (
      select d.id, d.data, baton.ordered_id() as item_id
      from %s d
      where d.id is not null and pg_catalog.length(d.id) between 1 and 200
        and not exists (select from baton.item_keys k where k.job = $1 and k.key = d.id and (k.until is null or k.until > $3))
      limit $2
    ), keyed as (
      insert into baton.item_keys as k (job, key, item_id) select $1, d.id, d.item_id from due d order by d.id
      on conflict (job, key) do update set item_id = excluded.item_id, until = null where k.until <= $3
      returning item_id
    ), fed as materialized (
      select d.id, d.item_id, d.data, pg_catalog.octet_length(d.data::text) > 262144 as long from due d join keyed k on k.item_id = d.item_id
    ), added as (
      insert into baton.items (id, job, key, data, created_at, status, ended_at, error)
      select f.item_id, $1, f.id, case when f.long then '{}' else coalesce(f.data, '{}') end, $3,
             case when f.long then 'failed' else 'waiting' end, case when f.long then $3 end, case when f.long then 'data is longer than 256 KiB' end
      from fed f
    ), failed as (
      insert into baton.failed_items (job, failed_at, item_id) select $1, $3, f.item_id from fed f where f.long
    )
    insert into baton.ready_items (job, priority, rank, item_id)
    select $1, 0, baton_api.microseconds($3) + pg_catalog.row_number() over () - 1, f.item_id from fed f where f.long is not true
    $sql$, p_job.due_view)
  using p_job.name, p_limit, p_now;
end
$$;
comment on function baton_api.feed_rows is 'Takes due rows of the application into the queue (internal).';
