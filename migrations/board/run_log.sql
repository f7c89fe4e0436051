-- What ran of the chunks is told by its attempts alone: a line for each as well would be one write more for every chunk.
create view baton_board.run_log as
select r.id, r.job, r.status, r.reason, r.counts, r.trigger, r.worker, r.started_at, r.finished_at,
       extract(epoch from r.finished_at - r.started_at) as seconds
from baton.runs r
where r.job <> 'process-chunks' or r.attempt_id is null
union all
select null, a.job, case a.outcome when 'settled' then 'ran' else 'lost' end, a.result->>'reason',
       a.result - array['status', 'reason'] || jsonb_build_object('claimed', a.n_items), a.trigger, a.worker,
       a.claimed_at, a.finished_at, extract(epoch from a.finished_at - a.claimed_at)
from baton.attempts a
where a.job = 'process-chunks' and a.finished_at is not null;
comment on view baton_board.run_log is 'The execution log: every invocation, what it did or why it did nothing.';
