create view baton_board.run_log as
select r.id, r.job, r.status, r.reason, r.counts, r.trigger, r.worker, r.started_at, r.finished_at,
       extract(epoch from r.finished_at - r.started_at) as seconds
from baton.runs r;
comment on view baton_board.run_log is 'The execution log: every invocation, what it did or why it did nothing.';
