-- The queue as the first version's manual shows it.
create view baton_board.chunk_processing_queue as
select i.id, i.id as chunk_id, i.group_id as parent_sync_job_id, case
         when i.status = 'cancelled' then 'failed'
         when i.status <> 'waiting' then i.status
         when r.item_id is null then 'processing'
         else 'pending' end as status,
       i.attempts + case when i.status = 'waiting' and r.item_id is null then 1 else 0 end as attempts, j.max_attempts, i.created_at,
       coalesce(a.since, i.started_at) as started_at, i.ended_at as completed_at, i.error as error_message,
       coalesce(a.worker, i.worker, (select t.worker from baton.attempts t where t.id = i.attempt_id)) as worker_id, r.run_at as retry_at, i.brought as items
from baton.items i
join baton.jobs j on j.name = i.job
left join baton.ready_items r on r.item_id = i.id and i.status = 'waiting'
left join lateral (
  select coalesce(o.turn_at, o.claimed_at) as since, o.worker from baton.attempts o
  where i.status = 'waiting' and r.item_id is null and o.job = i.job and o.finished_at is null and i.id::text = any (o.item_ids) limit 1) a on true
where i.job = 'process-chunks';
comment on view baton_board.chunk_processing_queue is 'The chunks of sync jobs: by which worker each is done, how often it was tried, and how it ended.';
