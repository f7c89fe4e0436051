create view baton_board.items as
select i.id, i.job, i.key, baton_api.mask_secrets(i.data::text)::jsonb as data, case
         when i.status <> 'waiting' then i.status
         when r.item_id is null then 'processing'
         when r.run_at > baton.clock() then 'delayed'
         else 'ready' end as status,
       i.attempts, j.max_attempts, i.priority, r.run_at, i.created_at, coalesce(a.since, i.started_at) as started_at, i.ended_at,
       coalesce(a.worker, i.worker, (select t.worker from baton.attempts t where t.id = i.attempt_id)) as worker, i.error
from baton.items i
join baton.jobs j on j.name = i.job
left join baton.ready_items r on r.item_id = i.id and i.status = 'waiting'
left join lateral (
  select coalesce(o.turn_at, o.claimed_at) as since, o.worker from baton.attempts o
  where i.status = 'waiting' and r.item_id is null and o.job = i.job and o.finished_at is null and i.id::text = any (o.item_ids) limit 1) a on true;
comment on view baton_board.items is 'Items of jobs: ready, delayed, processing, completed, failed or cancelled.';
