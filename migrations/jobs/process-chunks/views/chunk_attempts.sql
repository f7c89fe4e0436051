create view baton_board.chunk_attempts as
select j.source, i.group_id as sync_job_id, i.id as queue_id, row_number() over (partition by i.id order by t.ended_at) as number,
       t.worker as worker_id, t.started_at, t.ended_at, t.outcome, t.error
from baton.items i
join baton.sync_jobs j on j.id = i.group_id
cross join lateral (
  select t.worker, t.started_at, t.ended_at, t.outcome, t.error from baton.item_tries t where t.item_id = i.id
  union all
  -- The last try is told by the item.
  select coalesce(i.worker, (select a.worker from baton.attempts a where a.id = i.attempt_id)), i.started_at, i.ended_at, i.status, i.error where i.ended_at is not null and i.started_at is not null) t
where i.job = 'process-chunks';
comment on view baton_board.chunk_attempts is 'Every try at every chunk: by which worker, when, and what came of it.';
