create view baton_board.cycles_running_too_long as
select c.job, c.id, c.started_at, baton.clock() - c.started_at as running_for, j.alert_after_seconds * interval '1 second' as alert_after
from baton.cycles c join baton.jobs j on j.name = c.job
where c.status = 'running' and c.started_at < baton.clock() - j.alert_after_seconds * interval '1 second';
comment on view baton_board.cycles_running_too_long is 'Cycles that have been running for longer than their job''s alert threshold.';
