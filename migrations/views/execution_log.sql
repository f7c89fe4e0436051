-- What ran of some jobs is told by their attempts alone: a line for each as well would be one write more for every attempt.
create view baton_board.execution_log as
select l.id, l.job, case when l.run_status in ('ran', 'idle') then 'success' when l.run_status = 'skipped' then 'skipped' else 'failed' end as status,
       l.run_status, l.reason, l.counts, l.trigger, l.worker, l.started_at, l.finished_at, extract(epoch from l.finished_at - l.started_at) as duration_seconds
from (
  select r.id, r.job, r.status as run_status, r.reason, r.counts, r.trigger, r.worker, r.started_at, r.finished_at
  from baton.runs r join baton.jobs j on j.name = r.job
  where not j.runs_are_attempts or r.attempt_id is null
  union all
  select null, a.job, case a.outcome when 'settled' then 'ran' else 'lost' end, a.result->>'reason',
         a.result - array['status', 'reason'] || jsonb_build_object('claimed', a.n_items), a.trigger, a.worker, a.claimed_at, a.finished_at
  from baton.attempts a join baton.jobs j on j.name = a.job and j.runs_are_attempts
  where a.finished_at is not null
) l;
comment on view baton_board.execution_log is 'Every run as success, skipped or failed, with its duration and counts.';
