create view baton_board.run_log as
select e.id, e.job, e.run_status as status, e.reason, e.counts, e.trigger, e.worker, e.started_at, e.finished_at, e.duration_seconds as seconds
from baton_board.execution_log e;
comment on view baton_board.run_log is 'The execution log: every invocation, what it did or why it did nothing.';
